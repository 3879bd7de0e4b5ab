"""Comparisons, questions, and operations on bits."""

from __future__ import annotations

import numpy as np

from pytensor.scalar.op import (
    BinaryBitOp,
    FixedLogicalComparison,
    LogicalComparison,
    UnaryBitOp,
)
from pytensor.scalar.variable import define


def _compare(symbol: str, helper: str) -> dict[str, str]:
    """C by category; a comparison of int64 with uint64 needs a helper, complex order is by parts."""
    plain = f"{{0}} {symbol} {{1}}"
    ordered = symbol not in ("==", "!=")
    mixed = {k: f"pt_{helper}_{k}({{0}}, {{1}})" for k in ("iu", "ui")}
    return {
        **dict.fromkeys("biuf", plain),
        "c": f"pt_{helper}_{{t}}({{0}}, {{1}})" if ordered else plain,
        **mixed,
    }


class LT(LogicalComparison):
    """x < y"""

    nfunc_spec = ("less", 2, 1)
    c_expr = _compare("<", "lt")
    identity = False
    commutative = False
    associative = False


class GT(LogicalComparison):
    """x > y"""

    nfunc_spec = ("greater", 2, 1)
    c_expr = _compare(">", "gt")
    identity = False
    commutative = False
    associative = False


class LE(LogicalComparison):
    """x <= y"""

    nfunc_spec = ("less_equal", 2, 1)
    c_expr = _compare("<=", "le")
    identity = False
    commutative = False
    associative = False


class GE(LogicalComparison):
    """x >= y"""

    nfunc_spec = ("greater_equal", 2, 1)
    c_expr = _compare(">=", "ge")
    identity = False
    commutative = False
    associative = False


class EQ(LogicalComparison):
    """x == y; false for NaN"""

    nfunc_spec = ("equal", 2, 1)
    c_expr = _compare("==", "eq")
    identity = False
    commutative = True
    associative = False


class NEQ(LogicalComparison):
    """x != y; true for NaN"""

    nfunc_spec = ("not_equal", 2, 1)
    c_expr = _compare("!=", "neq")
    identity = False
    commutative = True
    associative = False


class IsNan(FixedLogicalComparison):
    """Whether x is NaN, for complex x in one of its parts."""

    nfunc_spec = ("isnan", 1, 1)
    c_expr = {"b": "0", "i": "0", "u": "0", "f": "isnan({0}) != 0", "c": "pt_isnan_{t}({0})"}


class IsInf(FixedLogicalComparison):
    """Whether x is an infinity, for complex x in one of its parts."""

    nfunc_spec = ("isinf", 1, 1)
    c_expr = {"b": "0", "i": "0", "u": "0", "f": "isinf({0}) != 0", "c": "pt_isinf_{t}({0})"}


class OR(BinaryBitOp):
    """Bitwise x | y"""

    nfunc_spec = ("bitwise_or", 2, 1)
    c_expr = dict.fromkeys("biu", "{0} | {1}")
    associative = True
    commutative = True
    identity = 0


class XOR(BinaryBitOp):
    """Bitwise x ^ y"""

    nfunc_spec = ("bitwise_xor", 2, 1)
    c_expr = dict.fromkeys("biu", "{0} ^ {1}")
    associative = True
    commutative = True
    identity = 0


class AND(BinaryBitOp):
    """Bitwise x & y"""

    nfunc_spec = ("bitwise_and", 2, 1)
    c_expr = dict.fromkeys("biu", "{0} & {1}")
    associative = True
    commutative = True
    identity = -1


class Invert(UnaryBitOp):
    """All bits of x turned; for booleans: not."""

    nfunc_spec = ("invert", 1, 1)
    c_expr = {"b": "!{0}", "i": "~{0}", "u": "~{0}"}
    monotonic_decreasing = True


class LeftShift(BinaryBitOp):
    """x shifted left by y bits; 0 for y < 0 or y beyond the width."""

    nfunc_spec = ("left_shift", 2, 1)
    c_expr = {"b": "{0}", **dict.fromkeys("iu", "pt_lshift_{t}({0}, {1})")}

    def impl(self, x, y):
        x, y = np.asarray(x), np.asarray(y)
        width = 8 * x.dtype.itemsize
        fits = (y >= 0) & (y < width)
        return np.where(fits, np.left_shift(x, np.where(fits, y, 0)), 0).astype(x.dtype)[()]


class RightShift(BinaryBitOp):
    """x shifted right by y bits, keeping the sign; all sign for y < 0 or y beyond the width."""

    nfunc_spec = ("right_shift", 2, 1)
    c_expr = {k: "pt_rshift_{t}({0}, {1})" for k in "iu"}

    def impl(self, x, y):
        x, y = np.asarray(x), np.asarray(y)
        last = 8 * x.dtype.itemsize - 1
        fits = (y >= 0) & (y <= last)
        beyond = np.where(x < 0, x.dtype.type(0) - np.ones((), x.dtype), np.zeros((), x.dtype))
        return np.where(fits, np.right_shift(x, np.where(fits, y, 0)), beyond).astype(x.dtype)[()]


lt, gt, le, ge = LT(), GT(), LE(), GE()
eq, neq = EQ(), NEQ()
isnan, isinf = IsNan(), IsInf()
or_, xor, and_, invert = OR(), XOR(), AND(), Invert()
left_shift, right_shift = LeftShift(name="left_shift"), RightShift(name="right_shift")

define(
    lt=lt, gt=gt, le=le, ge=ge, eq=eq, neq=neq, isnan=isnan, isinf=isinf, or_=or_, xor=xor, and_=and_,
    invert=invert,
)  # fmt: skip

__all__ = [
    "AND",
    "EQ",
    "GE",
    "GT",
    "LE",
    "LT",
    "NEQ",
    "OR",
    "XOR",
    "Invert",
    "IsInf",
    "IsNan",
    "LeftShift",
    "RightShift",
    "and_",
    "eq",
    "ge",
    "gt",
    "invert",
    "isinf",
    "isnan",
    "le",
    "left_shift",
    "lt",
    "neq",
    "or_",
    "right_shift",
    "xor",
]  # fmt: skip
