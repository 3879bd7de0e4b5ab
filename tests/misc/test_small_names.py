"""Names that older programs import: what they promise."""

import io
import pickle
import sys
import types

import numpy as np
import pytest

import pytensor
import pytensor.tensor as pt
from pytensor.graph.fg import FunctionGraph
from pytensor.link.c.type import CType
from pytensor.link.mlx.dispatch.basic import convert_dtype_to_mlx
from pytensor.misc.pkl_utils import StripPickler
from pytensor.tensor.elemwise import DimShufflePrinter
from pytensor.tensor.utils import shape_of_variables


def test_strip_pickler():
    x = pt.vector("x")
    y = (x * 2).sum()
    y.tag.secret = "left out"
    y.tag.kept = "kept"
    plain = pickle.dumps(y)
    file = io.BytesIO()
    StripPickler(file, protocol=-1, extra_tag_to_remove="secret").dump({"y": y})
    again = pickle.loads(file.getvalue())["y"]
    assert not hasattr(again.tag, "secret")
    assert not getattr(again.tag, "trace", None)
    assert again.tag.kept == "kept"
    assert b"test_small_names" in plain
    assert b"test_small_names" not in file.getvalue()
    assert y.tag.secret == "left out"
    assert again.eval({again.owner.inputs[0].owner.inputs[0]: [1.0, 2.0]}) == 6


def test_shape_of_variables():
    x, y = pt.matrix("x"), pt.vector("y")
    z = (x[512:] + y).sum(axis=1)
    fg = FunctionGraph([x, y], [z], clone=False)
    shapes = shape_of_variables(fg, {x: (1024, 3), y: (3,)})
    assert shapes[z] == (512,)
    assert shapes[x] == (1024, 3)
    assert {v.type.ndim for v in shapes} >= {1, 2}
    assert all(len(s) == v.type.ndim for v, s in shapes.items())


def test_shape_that_depends_on_values():
    n = pt.lscalar("n")
    fg = FunctionGraph([n], [pt.zeros(n)], clone=False)
    with pytest.raises(ValueError, match="depends on the value"):
        shape_of_variables(fg, {n: ()})


def test_printer():
    from pytensor.printing import pp  # noqa: PLC0415

    assert DimShufflePrinter.__name__ == "DimShufflePrinter"
    assert "x.T" in pp(pt.matrix("x").T)
    with pytest.raises(ImportError):
        from pytensor.tensor.elemwise import no_such_name  # noqa: F401, PLC0415


def test_c_type():
    class Words(CType):
        __props__ = ()

        def filter(self, data, strict=False, allow_downcast=None):
            if not isinstance(data, str):
                raise TypeError("not a word")
            return data

    word = Words()("word")
    assert pytensor.function([word], word)("hello") == "hello"
    with pytest.raises(TypeError):
        pytensor.function([word], word)(3)


def test_dtypes_of_mlx(monkeypatch):
    core = types.ModuleType("mlx.core")
    for name in ("bool_", "int64", "float32", "float64", "complex64"):
        setattr(core, name, f"mx.{name}")
    core.default_device = lambda: "Device(gpu, 0)"
    monkeypatch.setitem(sys.modules, "mlx", types.ModuleType("mlx"))
    monkeypatch.setitem(sys.modules, "mlx.core", core)
    assert convert_dtype_to_mlx("bool") == "mx.bool_"
    assert convert_dtype_to_mlx("int64") == "mx.int64"
    assert convert_dtype_to_mlx(np.float32) is np.float32
    with pytest.warns(UserWarning, match="float64"):
        assert convert_dtype_to_mlx("float64") == "mx.float32"
    with pytest.warns(UserWarning, match="complex128"):
        assert convert_dtype_to_mlx("complex128") == "mx.complex64"
    assert convert_dtype_to_mlx("float64", auto_cast_unsupported=False) == "mx.float64"
    core.default_device = lambda: "Device(cpu, 0)"
    assert convert_dtype_to_mlx("float64") == "mx.float64"


def test_without_mlx(monkeypatch):
    monkeypatch.setitem(sys.modules, "mlx.core", None)
    with pytest.raises(ImportError, match="pip install mlx"):
        convert_dtype_to_mlx("float32")
