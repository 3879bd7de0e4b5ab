"""Names of the public surface that no other test has a reason to mention."""

import numpy as np
import pytest

import pytensor
import pytensor.scalar as ps
import pytensor.tensor as pt
from pytensor.compile.mode import JAX, MLX, PYTORCH, predefined_modes, predefined_optimizers
from pytensor.compile.ops import TypeCastingOp, ViewOp
from pytensor.graph.type import HasShape
from pytensor.scan.rewriting import scan_eqopt1, scan_eqopt2
from pytensor.tensor.basic import _as_tensor_variable, infer_shape_db
from pytensor.tensor.extra_ops import CpuContiguous, cpu_contiguous
from pytensor.tensor.rewriting.basic import register_canonicalize
from pytensor.tensor.rewriting.shape import ShapeOptimizer
from pytensor.tensor.type import complex_dtypes, discrete_dtypes, float_dtypes, int_dtypes
from pytensor.tensor.utils import _parse_gufunc_signature, safe_signature
from pytensor.typed_list import Count, Length, TypedListType


def test_dtype_sets():
    assert set(complex_dtypes) == {"complex64", "complex128"}
    assert {"float16", "float32", "float64"} == set(float_dtypes)
    assert set(int_dtypes) == {"int8", "int16", "int32", "int64"}
    assert {"bool", "uint8", "int64"} <= set(discrete_dtypes)
    assert not set(discrete_dtypes) & set(float_dtypes)


def test_views():
    x = pt.dvector("x")
    assert issubclass(ViewOp, TypeCastingOp)
    out = ViewOp()(x)
    assert out.type == x.type and out.owner.op.view_map == {0: [0]}
    f = pytensor.function([x], out * 2)
    assert f([1.0, 2.0]).tolist() == [2, 4]


def test_contiguous():
    x = pt.dmatrix("x")
    assert isinstance(cpu_contiguous, CpuContiguous)
    for mode in ("C", "PY"):
        f = pytensor.function([x], cpu_contiguous(x.T), mode=mode)
        value = f(np.arange(6.0).reshape(2, 3))
        assert value.flags.c_contiguous
        np.testing.assert_array_equal(value, np.arange(6.0).reshape(2, 3).T)


def test_signatures():
    inputs, outputs = _parse_gufunc_signature("(m,n),(n)->(m),()")
    assert inputs == [("m", "n"), ("n",)] and outputs == [("m",), ()]
    text = safe_signature([1, 2], [0])
    made_in, made_out = _parse_gufunc_signature(text)
    assert [len(i) for i in made_in] == [1, 2] and [len(o) for o in made_out] == [0]


def test_types():
    x = pt.dmatrix("x")
    assert isinstance(x.type, HasShape)
    assert pt.none_type_t == pytensor.tensor.type_other.NoneTypeT()
    assert pt.slicetype.filter(slice(1, 2)) == slice(1, 2)
    assert _as_tensor_variable(3.0, None, None).type.ndim == 0
    assert pt.values_eq_approx_always_true(1, 2)


def test_rewrite_databases():
    assert {"fast_run", "fast_compile"} <= {str(k).lower() for k in predefined_optimizers}
    assert scan_eqopt1 is not scan_eqopt2
    assert infer_shape_db is not None and ShapeOptimizer() is not None
    assert callable(register_canonicalize)


def test_modes_of_other_backends():
    """They can be named and changed without the backend; what needs it says so when it links."""
    for name, mode in {"JAX": JAX, "MLX": MLX, "PYTORCH": PYTORCH}.items():
        assert predefined_modes[name] is mode
        assert type(mode.excluding("inplace")) is type(mode)


def test_typed_lists():
    """Counts and lengths are Ops of their own, and equal by value."""
    numbers = TypedListType(pt.dvector)("numbers")
    x = pt.dvector("x")
    found, n = numbers.count(x), numbers.length()
    assert isinstance(found.owner.op, Count) and found.owner.op == Count()
    assert isinstance(n.owner.op, Length) and n.owner.op == Length()
    values = [np.ones(2), np.zeros(3), np.ones(2)]
    for mode in ("C", "PY"):
        f = pytensor.function([numbers, x], [found, n], mode=mode)
        assert [int(v) for v in f(values, np.ones(2))] == [2, 3]


def test_upgrade_to_float_no_complex():
    [out] = ps.upgrade_to_float_no_complex(ps.int32)
    assert out.dtype in ("float32", "float64")
    with pytest.raises(TypeError):
        ps.upgrade_to_float_no_complex(ps.complex64)
