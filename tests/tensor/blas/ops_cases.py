"""The BLAS Ops as equations of NumPy, for all tests that go through them one by one."""

import numpy as np

from pytensor.graph.basic import Constant
from pytensor.tensor import blas
from pytensor.tensor.blas import (
    BatchedGemm,
    Dot22,
    Dot22Scalar,
    Gemm,
    Gemv,
    Ger,
    Syrk,
    _batched_dot,
    _dot22,
    _dot22scalar,
)
from pytensor.tensor.type import tensor


def batched_gemm(z, a, x, y, b):
    return b * z + a * (x @ y)


def gemm(conj=""):
    def equation(z, a, x, y, b):
        x = x.conj() if "x" in conj else x
        y = y.conj() if "y" in conj else y
        return b * z + a * (x @ y)

    return equation


def dot22(conj=""):
    return lambda x, y, a=1.0: gemm(conj)(0.0, a, x, y, 0.0)


def gemv(conj=""):
    return lambda y, a, A, x, b: b * y + a * ((A.conj() if conj else A) @ x)


def ger(conj=""):
    def equation(A, a, x, y):
        x = x.conj() if conj == "x" else x
        y = y.conj() if conj == "y" else y
        return A + a * x[:, None] * y

    return equation


def syrk(hermitian=False):
    return lambda z, a, x, b: b * z + a * (x @ (x.conj().T if hermitian else x.T))


_GEMM = (3, 5), (), (3, 4), (4, 5), ()
_GEMV = (3,), (), (3, 4), (4,), ()
_GER = (3, 4), (), (3,), (4,)
_SYRK = (3, 3), (), (3, 4), ()
_BATCHED = (2, 3, 5), (), (2, 3, 4), (2, 4, 5), ()

# name -> Op, shapes of its inputs, its equation. Two words make an in-place form.
CASES = {
    "gemm": (blas.gemm_no_inplace, _GEMM, gemm()),
    "gemm inplace": (blas.gemm_inplace, _GEMM, gemm()),
    "dot22": (_dot22, ((3, 4), (4, 5)), dot22()),
    "dot22scalar": (_dot22scalar, ((3, 4), (4, 5), ()), dot22()),
    "gemv": (blas.gemv_no_inplace, _GEMV, gemv()),
    "gemv inplace": (blas.gemv_inplace, _GEMV, gemv()),
    "ger": (blas.ger, _GER, ger()),
    "ger inplace": (blas.ger_destructive, _GER, ger()),
    "syrk": (blas.syrk_no_inplace, _SYRK, syrk()),
    "syrk inplace": (blas.syrk_inplace, _SYRK, syrk()),
    "batched_dot": (_batched_dot, ((2, 3, 4), (2, 4, 5)), np.matmul),
    "batched_gemm": (BatchedGemm(), _BATCHED, batched_gemm),
    "batched_gemm inplace": (BatchedGemm(inplace=True), _BATCHED, batched_gemm),
}
PURE = {name: case for name, case in CASES.items() if "inplace" not in name}
ACCUMULATING = {name: case for name, case in CASES.items() if len(case[1]) > 3}

# Operands are conjugated: complex dtypes only.
CONJUGATED = {
    **{
        f"gemm {conj}{form}": (Gemm(bool(form), conj), _GEMM, gemm(conj))
        for conj in ("x", "y", "xy")
        for form in ("", " inplace")
    },
    **{f"dot22 {c}": (Dot22(c), ((3, 4), (4, 5)), dot22(c)) for c in ("x", "y", "xy")},
    **{
        f"dot22scalar {c}": (Dot22Scalar(c), ((3, 4), (4, 5), ()), dot22(c))
        for c in ("x", "y", "xy")
    },
    "gemv A": (Gemv(conj="A"), _GEMV, gemv("A")),
    "gemv A inplace": (Gemv(True, "A"), _GEMV, gemv("A")),
    **{
        f"ger {conj}{form}": (Ger(bool(form), conj), _GER, ger(conj))
        for conj in ("x", "y")
        for form in ("", " inplace")
    },
    "syrk H": (Syrk(hermitian=True), _SYRK, syrk(True)),
    "syrk H inplace": (Syrk(inplace=True, hermitian=True), _SYRK, syrk(True)),
}
PURE_CONJUGATED = {name: case for name, case in CONJUGATED.items() if "inplace" not in name}


def variables(*ndims, dtype="float64"):
    return [tensor(dtype=dtype, shape=(None,) * n) for n in ndims]


def variables_like(values, known_ones=False):
    """Variables that know of no length, but length-1 axes of batches, or all, if there are any."""
    return [
        tensor(
            dtype=np.asarray(v).dtype.newbyteorder("=").name,
            shape=tuple(
                1 if n == 1 and (known_ones or np.ndim(v) > 2) else None for n in np.shape(v)
            ),
        )
        for v in values
    ]


def perform(op, *values, known_ones=False):
    """The value of an Op, computed by `perform`; asserts that inputs aren't touched."""
    values = [np.asarray(v) for v in values]
    node = op.make_node(*variables_like(values, known_ones))
    before = [np.array(v) for v in values]
    cells = [[None]]
    op.perform(node, values, cells)
    destroyed = op.destroy_map.get(0, [])
    for i, (value, old) in enumerate(zip(values, before)):
        if i not in destroyed:
            np.testing.assert_array_equal(value, old)
    (result,) = cells[0]
    assert isinstance(result, np.ndarray)
    assert result.ndim == node.outputs[0].type.ndim
    if destroyed:
        assert result is values[destroyed[0]]
    else:
        assert result.dtype.name == node.outputs[0].type.dtype
        assert result.dtype.isnative
        assert not any(np.may_share_memory(result, v) for v in values)
    return result


def evaluate(outputs, values):
    """Values of expressions by `perform`, without rewriting."""
    known = {}

    def value(var):
        if isinstance(var, Constant):
            return var.data
        if var in values:
            return values[var]
        if var not in known:
            cells = [[None] for _ in var.owner.outputs]
            var.owner.op.perform(var.owner, [value(v) for v in var.owner.inputs], cells)
            known.update(zip(var.owner.outputs, [cell[0] for cell in cells]))
        return known[var]

    return [value(var) for var in outputs]
