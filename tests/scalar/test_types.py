"""Scalar types, constants and the casting of Python numbers."""

import copy
import pickle
import subprocess
import sys

import numpy as np
import pytest

import pytensor.scalar as ps
from pytensor.configdefaults import config


def test_types_are_interned():
    for t in ps.all_types:
        assert pickle.loads(pickle.dumps(t)) is t and copy.deepcopy(t) is t
        assert ps.get_scalar_type(t.dtype) is t and ps.ScalarType(t.dtype) == t
        assert hash(ps.ScalarType(t.dtype)) == hash(t)
    assert ps.get_scalar_type(np.dtype("float32")) is ps.float32
    assert ps.float64.clone("int8") is ps.int8
    assert str(ps.float64) == "float64" and repr(ps.float64) == "ScalarType(float64)"
    with config.change_flags(floatX="float32"):
        assert ps.ScalarType("floatX") == ps.float32
    for bad in ("float99", "object", object, "S3"):
        with pytest.raises(TypeError, match="Unsupported dtype"):
            ps.ScalarType(bad)


def test_filter():
    assert ps.float64.filter(3).dtype == "float64" and ps.int8.filter(np.int64(3)).dtype == "int8"
    assert ps.int8.filter(True) == 1 and ps.complex128.filter(1.5) == 1.5
    assert ps.float64.filter(np.array(3.0)) == 3
    assert ps.float32.filter(3.3, allow_downcast=True) == np.float32(3.3)
    with config.change_flags(floatX="float32"):
        assert ps.float32.filter(3.3) == np.float32(3.3)
    refused = [(ps.float32, 3.3), (ps.int8, 300), (ps.int8, 3.5), (ps.bool, 2), (ps.float64, "a"),
               (ps.float32, np.float64(0.1)), (ps.float64, np.ones(2)), (ps.float64, None)]  # fmt: skip
    for t, value in refused:
        with pytest.raises(TypeError):
            t.filter(value)
    with pytest.raises(TypeError):
        ps.float64.filter(3, strict=True)


CUSTOM = {
    1: "int8", 200: "int16", -129: "int16", 40000: "int32", 2**31: "int64", 2**63: "uint64",
    0.5: "float32", 0.1: "float64", 1e300: "float64", float("inf"): "float32", 1 + 2j: "complex128",
}  # fmt: skip


def test_autocast():
    for value, dtype in CUSTOM.items():
        assert ps.constant(value).dtype == dtype, value
    assert ps.constant(True).dtype == "int8" and ps.constant(np.bool_(True)).dtype == "bool"
    assert ps.constant(float("nan")).dtype == "float64"
    assert ps.constant(np.float32(0.1)).dtype == "float32"
    with config.change_flags(floatX="float32"):
        assert ps.constant(0.1).dtype == ps.constant(1e300).dtype == "float32"
    with config.change_flags(cast_policy="numpy+floatX"):
        assert ps.constant(1).dtype == "int64" and ps.constant(0.5).dtype == "float64"
        with config.change_flags(floatX="float32"):
            assert ps.constant(0.5).dtype == "float32"
            assert ps.upcast("int64", "float32") == "float32"
    with ps.autocast_float_as("float32"):
        assert ps.constant(0.1).dtype == "float32"
    assert ps.constant(0.1).dtype == "float64"
    assert ps.constant(3.7, dtype="int32").data == 3
    for bad in ("x", [1], None, 2**64):
        with pytest.raises(TypeError):
            ps.constant(bad)


def test_constant_signatures():
    nan = float("nan")
    assert ps.constant(nan).signature() == ps.constant(nan).signature()
    assert ps.constant(0.0).signature() != ps.constant(-0.0).signature()
    assert ps.constant(1).signature() != ps.constant(1.0).signature()
    assert str(ps.constant(2)) == "2" and str(ps.constant(2, name="a")) == "a{2}"


def test_operators():
    x, i = ps.float64("x"), ps.int8("i")
    for var, op in [
        (x + 1, ps.add), (1 + x, ps.add), (x - 1, ps.sub), (2 * x, ps.mul), (x / 2, ps.true_div),
        (x // 2, ps.int_div), (x % 2, ps.mod), (x**2, ps.pow), (2**x, ps.pow), (-x, ps.neg),
        (abs(x), ps.abs), (x > 1, ps.gt), (x <= 1, ps.le), (i & 1, ps.and_), (1 | i, ps.or_),
        (i ^ 1, ps.xor), (~i, ps.invert),
    ]:  # fmt: skip
        assert var.owner.op == op
    assert (2 - x).owner.inputs[1] is x
    assert x.astype("int8").dtype == "int8" and x.astype("float64") is x
    assert x.zeros_like("int8").dtype == "int8" and x.ndim == 0 and x.shape == ()
    assert (x == 1) is False
    with pytest.raises(TypeError, match="truth"):
        bool(x > 1)
    assert ps.as_scalar(x) is x and ps.as_scalar((x + 1).owner).owner.op == ps.add
    assert [v.name for v in ps.floats("a b")] == ["a", "b"]
    assert [v.dtype for v in ps.complexs64("ab")] == ["complex64"] * 2


def test_shared():
    from pytensor.scalar.sharedvar import shared

    s = shared(2.5, name="s")
    assert s.get_value() == 2.5 and (s + 1).type == ps.float64
    with pytest.raises(TypeError):
        shared("a")


def test_import_is_light():
    code = "import sys, pytensor.scalar, pytensor.gradient; print([m for m in ('scipy', 'subprocess_run') if m in sys.modules])"  # fmt: skip
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert out.stdout.strip() == "[]", out.stdout + out.stderr
