"""Arithmetic: sums, products, quotients, powers, and the choice between numbers."""

from __future__ import annotations

import numpy as np

from pytensor.scalar.op import (
    DISCONNECTED,
    NOT_IMPLEMENTED,
    BinaryScalarOp,
    ComplexError,
    ScalarOp,
    UnaryScalarOp,
)
from pytensor.scalar.out_types import (
    float_division_out,
    same_out,
    same_out_nobool,
    upcast_out,
    upcast_out_min8,
    upcast_out_no_complex,
    upcast_out_nobool,
    upgrade_to_float,
)
from pytensor.scalar.type import complex_types
from pytensor.scalar.variable import as_scalar, define, ops


class Add(ScalarOp):
    """x + y + ... ; for booleans: or."""

    nfunc_spec = ("add", 2, 1)
    types = upcast_out
    vectorized_impl = True
    c_expr = {"b": "{0} | {1}", "i": "pt_add_{t}({0}, {1})", "u": "{0} + {1}", "f": "{0} + {1}", "c": "{0} + {1}"}  # fmt: skip
    associative = True
    commutative = True
    identity = 0

    def impl(self, *inputs):
        total = inputs[0]
        for x in inputs[1:]:
            total = np.add(total, x)
        return total

    def partials(self, inputs, output):
        return [1] * len(inputs)


class Mul(ScalarOp):
    """x * y * ... ; for booleans: and."""

    nfunc_spec = ("multiply", 2, 1)
    types = upcast_out
    vectorized_impl = True
    c_expr = {"b": "{0} & {1}", "i": "pt_mul_{t}({0}, {1})", "u": "pt_mul_{t}({0}, {1})", "f": "{0} * {1}", "c": "pt_mul_{t}({0}, {1})"}  # fmt: skip
    associative = True
    commutative = True
    identity = 1

    def impl(self, *inputs):
        product = inputs[0]
        for x in inputs[1:]:
            product = np.multiply(product, x)
        return product

    def partials(self, inputs, output):
        def times_others(i):
            others = inputs[:i] + inputs[i + 1 :]
            return lambda g: ops.mul(g, *others) if others else g

        inputs = list(inputs)
        return [times_others(i) for i in range(len(inputs))]


class Sub(BinaryScalarOp):
    """x - y"""

    nfunc_spec = ("subtract", 2, 1)
    types = upcast_out_nobool
    vectorized_impl = True
    c_expr = {"i": "pt_sub_{t}({0}, {1})", "u": "{0} - {1}", "f": "{0} - {1}", "c": "{0} - {1}"}

    def partials(self, inputs, output):
        return [1, -1]


class TrueDiv(BinaryScalarOp):
    """x / y; integers are divided as floats."""

    nfunc_spec = ("true_divide", 2, 1)
    types = float_division_out
    vectorized_impl = True
    c_expr = {"f": "{0} / {1}", "c": "pt_div_{t}({0}, {1})"}

    def partials(self, inputs, output):
        x, y = inputs
        return [lambda g: g / y, lambda g: -(g * x) / (y * y)]


class IntDiv(BinaryScalarOp):
    """The floor of x / y; 0 for an integer y = 0."""

    nfunc_spec = ("floor_divide", 2, 1)
    types = upcast_out
    vectorized_impl = True
    c_expr = {"b": "({0} & {1})", **dict.fromkeys("iuf", "pt_floordiv_{t}({0}, {1})")}
    complex_error = ComplexError(
        "PyTensor does not support integer division (//) on complex numbers, since NumPy removed it."
    )

    def output_types(self, types):
        if any(t in complex_types for t in types):
            raise self.complex_error
        return super().output_types(types)

    def impl(self, x, y):
        # NumPy divides booleans as int8.
        return np.floor_divide(x, y)

    def partials(self, inputs, output):
        return [0, 0]


class Mod(BinaryScalarOp):
    """x - y * floor(x / y), with the sign of y; 0 for an integer y = 0."""

    nfunc_spec = ("mod", 2, 1)
    types = upcast_out
    vectorized_impl = True
    c_expr = {"b": "0", **dict.fromkeys("iuf", "pt_mod_{t}({0}, {1})")}
    complex_error = ComplexError(
        "PyTensor does not support the mod operator (%) on complex numbers, since NumPy removed it."
    )

    def output_types(self, types):
        if any(t in complex_types for t in types):
            raise self.complex_error
        return super().output_types(types)

    def partials(self, inputs, output):
        x, y = inputs
        return [1, lambda g: -(g * (x // y))]


class Pow(BinaryScalarOp):
    """x to the power of y. Signed integers to negative powers raise ValueError, as in NumPy."""

    nfunc_spec = ("power", 2, 1)
    types = upcast_out_min8
    vectorized_impl = True
    # No C for signed integers: C has no way to refuse a negative power.
    c_expr = {"u": "pt_pow_{t}({0}, {1})", "f": "pt_pow_{t}({0}, {1})", "c": "pt_pow_{t}({0}, {1})"}

    def partials(self, inputs, output):
        x, y = inputs

        def by_exponent(g):
            # x**y -> 0 at x = 0 whatever y > 0, where log(x) * x**y would be NaN.
            return ops.switch(ops.eq(x, 0), 0, g * ops.log(x) * output)

        return [lambda g: g * y * x ** (y - 1), by_exponent]


class Neg(UnaryScalarOp):
    """-x"""

    nfunc_spec = ("negative", 1, 1)
    types = same_out_nobool
    vectorized_impl = True
    c_expr = {"i": "pt_neg_{t}({0})", "u": "-{0}", "f": "-{0}", "c": "-{0}"}
    monotonic_decreasing = True
    preserves_zero = True

    def derivative(self, x, y):
        return -1


class Reciprocal(UnaryScalarOp):
    """1 / x"""

    nfunc_spec = ("reciprocal", 1, 1)
    types = upgrade_to_float
    vectorized_impl = True
    c_expr = {"f": "1 / {0}", "c": "pt_div_{t}(1, {0})"}

    def derivative(self, x, y):
        return lambda g: -g / (x * x)


class Sqr(UnaryScalarOp):
    """x * x"""

    nfunc_spec = ("square", 1, 1)
    types = same_out
    vectorized_impl = True
    c_expr = {"b": "{0}", "i": "pt_mul_{t}({0}, {0})", "u": "pt_mul_{t}({0}, {0})", "f": "{0} * {0}", "c": "pt_mul_{t}({0}, {0})"}  # fmt: skip
    preserves_zero = True
    non_negative = True

    def impl(self, x):
        return np.multiply(x, x)

    def derivative(self, x, y):
        return lambda g: g * x * 2


class Identity(UnaryScalarOp):
    """x"""

    types = same_out
    vectorized_impl = True
    c_expr = "{0}"
    monotonic_increasing = True
    preserves_zero = True

    def impl(self, x):
        return x

    def derivative(self, x, y):
        return 1


def second_out(x, y):
    """The type of the second operand."""
    return (y,)


class Second(BinaryScalarOp):
    """y; as an elementwise operation: y in the shape of x and y."""

    types = second_out
    vectorized_impl = True
    c_expr = "{1}"

    def impl(self, x, y):
        return np.broadcast_arrays(x, y)[1] if np.ndim(x) else y

    def compute_dtypes(self, in_dtypes, out_dtypes):
        return (in_dtypes[0], out_dtypes[0])

    def connection_pattern(self, node):
        return [[False], [True]]  # x is looked at for its shape only

    def partials(self, inputs, output):
        return [DISCONNECTED, 1]


class _Extremum(BinaryScalarOp):
    """The larger or smaller of two numbers; NaN if one is NaN."""

    types = upcast_out
    vectorized_impl = True
    associative = True
    commutative = True

    def partials(self, inputs, output):
        # At a tie x gets all; with NaN x gets nothing, as the comparison says.
        if output.type in complex_types:
            return [NOT_IMPLEMENTED, NOT_IMPLEMENTED]
        x, y = inputs
        x_wins = self._wins(x, y)
        return [lambda g: ops.switch(x_wins, g, 0), lambda g: ops.switch(x_wins, 0, g)]


class Maximum(_Extremum):
    """The larger of x and y; NaN if one is NaN."""

    nfunc_spec = ("maximum", 2, 1)
    c_expr = {"b": "{0} | {1}"} | {k: "pt_maximum_{t}({0}, {1})" for k in "iufc"}
    identity = float("-inf")

    def _wins(self, x, y):
        return x >= y


class Minimum(_Extremum):
    """The smaller of x and y; NaN if one is NaN."""

    nfunc_spec = ("minimum", 2, 1)
    c_expr = {"b": "{0} & {1}"} | {k: "pt_minimum_{t}({0}, {1})" for k in "iufc"}
    identity = float("inf")

    def _wins(self, x, y):
        return x <= y


class Clip(ScalarOp):
    """lower if x < lower, upper if x > upper, otherwise x (also if x is NaN)."""

    nin = 3
    types = upcast_out_no_complex
    vectorized_impl = True
    c_expr = {k: "({0} < {1} ? {1} : {0} > {2} ? {2} : {0})" for k in "biuf"}

    def impl(self, x, lower, upper):
        return np.where(x < lower, lower, np.where(x > upper, upper, x))[()]

    def partials(self, inputs, output):
        x, lower, upper = inputs
        below, above = x < lower, x > upper

        def where(condition):
            return lambda g: ops.switch(condition, g, 0)

        return [where((x >= lower) & (x <= upper)), where(below), where(above & ~below)]


class Switch(ScalarOp):
    """x if the condition is not 0, otherwise y."""

    nfunc_spec = ("where", 3, 1)
    nin = 3
    vectorized_impl = True
    c_expr = "({0} ? {1} : {2})"

    def output_types(self, types):
        condition, x, y = types
        if condition in complex_types:
            raise TypeError(f"[Switch] the condition must be real, got {condition}")
        return upcast_out(x, y)

    def compute_dtypes(self, in_dtypes, out_dtypes):
        return (in_dtypes[0], out_dtypes[0], out_dtypes[0])

    def impl(self, condition, x, y):
        return np.where(condition, x, y)[()]

    def partials(self, inputs, output):
        condition = inputs[0]
        return [
            0,
            lambda g: ops.switch(condition, g, 0),
            lambda g: ops.switch(condition, 0, g),
        ]


add = Add(name="add")
mul = Mul(name="mul")
sub = Sub(name="sub")
true_div = TrueDiv(name="true_div")
int_div = IntDiv(name="int_div")
mod = Mod(name="mod")
pow = Pow(name="pow")
neg = Neg(name="neg")
reciprocal = Reciprocal(name="reciprocal")
sqr = Sqr(name="sqr")
identity = Identity(name="identity")
second = Second(name="second")
maximum = Maximum(name="maximum")
minimum = Minimum(name="minimum")
clip = Clip(name="clip")
switch = Switch(name="switch")
floor_div = int_div


def mod_check(x, y):
    """Return x % y, or raise `ComplexError` for complex numbers."""
    x, y = as_scalar(x), as_scalar(y)
    if x.type in complex_types or y.type in complex_types:
        raise Mod.complex_error
    return mod(x, y)


define(
    add=add, mul=mul, sub=sub, true_div=true_div, int_div=int_div, mod=mod, mod_check=mod_check, pow=pow,
    neg=neg, reciprocal=reciprocal, sqr=sqr, identity=identity, second=second, maximum=maximum,
    minimum=minimum, clip=clip, switch=switch,
)  # fmt: skip

__all__ = [
    "Add", "Clip", "Identity", "IntDiv", "Maximum", "Minimum", "Mod", "Mul", "Neg", "Pow",
    "Reciprocal", "Second", "Sqr", "Sub", "Switch", "TrueDiv", "add", "clip", "floor_div",
    "identity", "int_div", "maximum", "minimum", "mod", "mod_check", "mul", "neg", "pow",
    "reciprocal", "second", "second_out", "sqr", "sub", "switch", "true_div",
]  # fmt: skip
