"""Bessel functions."""

from __future__ import annotations

from pytensor.scalar.op import NOT_IMPLEMENTED, BinaryScalarOp, UnaryScalarOp
from pytensor.scalar.out_types import upgrade_to_float
from pytensor.scalar.variable import as_scalar, define, number, ops


class Jv(BinaryScalarOp):
    """Bessel function of the first kind of real order v."""

    nfunc_spec = ("scipy.special.jv", 2, 1)
    types = upgrade_to_float
    vectorized_impl = True
    c_expr = dict.fromkeys("fc", "pt_jv_{t}({0}, {1})")

    def compute_dtypes(self, in_dtypes, out_dtypes):
        return _real_order(out_dtypes[0])

    def partials(self, inputs, output):
        v, x = inputs
        return [NOT_IMPLEMENTED, (ops.jv(v - 1, x) - ops.jv(v + 1, x)) * number(0.5, output)]


class J0(UnaryScalarOp):
    """Bessel function of the first kind of order 0."""

    nfunc_spec = ("scipy.special.j0", 1, 1)
    types = upgrade_to_float
    vectorized_impl = True
    c_expr = {"f": "pt_j0_{t}({0})"}

    def derivative(self, x, y):
        return lambda g: -g * ops.j1(x)


class J1(UnaryScalarOp):
    """Bessel function of the first kind of order 1."""

    nfunc_spec = ("scipy.special.j1", 1, 1)
    types = upgrade_to_float
    vectorized_impl = True
    c_expr = {"f": "pt_j1_{t}({0})"}
    preserves_zero = True

    def derivative(self, x, y):
        return (ops.j0(x) - ops.jv(number(2, y), x)) * number(0.5, y)


class I0(UnaryScalarOp):
    """Modified Bessel function of the first kind of order 0."""

    nfunc_spec = ("scipy.special.i0", 1, 1)
    types = upgrade_to_float
    vectorized_impl = True
    c_expr = {"f": "pt_i0_{t}({0})"}

    def derivative(self, x, y):
        return ops.i1(x)


class I1(UnaryScalarOp):
    """Modified Bessel function of the first kind of order 1."""

    nfunc_spec = ("scipy.special.i1", 1, 1)
    types = upgrade_to_float
    vectorized_impl = True
    c_expr = {"f": "pt_i1_{t}({0})"}
    monotonic_increasing = True
    preserves_zero = True

    def derivative(self, x, y):
        return (ops.i0(x) + ops.ive(number(2, y), x) * ops.exp(ops.abs(x))) * number(0.5, y)


class Ive(BinaryScalarOp):
    """Modified Bessel function of the first kind of order v, times e**-abs(x)."""

    nfunc_spec = ("scipy.special.ive", 2, 1)
    types = upgrade_to_float
    vectorized_impl = True
    c_expr = dict.fromkeys("fc", "pt_ive_{t}({0}, {1})")

    def compute_dtypes(self, in_dtypes, out_dtypes):
        return _real_order(out_dtypes[0])

    def partials(self, inputs, output):
        v, x = inputs
        unscaled = (ops.ive(v - 1, x) + ops.ive(v + 1, x)) * number(0.5, output)
        return [NOT_IMPLEMENTED, unscaled - ops.sign(x) * output]


class Kve(BinaryScalarOp):
    """Modified Bessel function of the second kind of order v, times e**x."""

    nfunc_spec = ("scipy.special.kve", 2, 1)
    types = upgrade_to_float
    vectorized_impl = True
    c_expr = dict.fromkeys("fc", "pt_kve_{t}({0}, {1})")

    def compute_dtypes(self, in_dtypes, out_dtypes):
        return _real_order(out_dtypes[0])

    def partials(self, inputs, output):
        v, x = inputs
        unscaled = (ops.kve(v - 1, x) + ops.kve(v + 1, x)) * number(-0.5, output)
        return [NOT_IMPLEMENTED, unscaled + output]


def _real_order(dtype: str) -> tuple[str, str]:
    """The order is real also where the argument is complex."""
    return {"complex64": "float32", "complex128": "float64"}.get(dtype, dtype), dtype


jv, j0, j1 = Jv(name="jv"), J0(name="j0"), J1(name="j1")
i0, i1 = I0(name="i0"), I1(name="i1")
ive, kve = Ive(name="ive"), Kve(name="kve")


def iv(v, x):
    """Return the modified Bessel function of the first kind of order v."""
    x = as_scalar(x)
    return ive(v, x) * ops.exp(ops.abs(x))


def kv(v, x):
    """Return the modified Bessel function of the second kind of order v."""
    x = as_scalar(x)
    return kve(v, x) * ops.exp(-x)


define(jv=jv, j0=j0, j1=j1, i0=i0, i1=i1, ive=ive, kve=kve)

__all__ = [
    "I0",
    "I1",
    "J0",
    "J1",
    "Ive",
    "Jv",
    "Kve",
    "i0",
    "i1",
    "iv",
    "ive",
    "j0",
    "j1",
    "jv",
    "kv",
    "kve",
]  # fmt: skip
