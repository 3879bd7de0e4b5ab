"""Elementwise functions of numbers: arithmetic, exponentials, rounding, comparisons."""

import numpy as np
import scipy.special
from op_rows import Row, arrays, boolean, deprecated, real

STEPS = "constant between its jumps"
TRUTH = "the result is a truth value"
SMALL = "NumPy makes float16 of small integers, we float32"


def each(names, args, dtypes, **fields):
    """One row for each of the words, whose NumPy function has the same name."""
    return [Row(n, args, getattr(np, n), dtypes=dtypes, **fields) for n in names.split()]


def in_double(function):
    """`function` of operands made float64: NumPy computes with float16 for small integers."""
    return lambda *operands: function(*[np.asarray(x, dtype="float64") for x in operands])


UNARY = [
    *each("exp expm1 sin cos tan sinh cosh tanh", (real(-1.2, 1.2),), "fc"),
    *each("exp2 arctan arcsinh", (real(-1.2, 1.2),), "f"),
    *each("log log2 log10 log1p sqrt", (real(0.1, 3),), "fc"),
    *each("arcsin arccos arctanh", (real(-0.8, 0.8),), "f"),
    *each("arccosh", (real(1.2, 4),), "f"),
    *each("deg2rad rad2deg", (real(-90, 90),), "f"),
]
OF_INTEGERS = [
    Row(f"{name} of integers", (real(1, 4),), in_double(getattr(np, name)), dtypes="iub", dtype=SMALL,
        gradient=STEPS)
    for name in ("exp", "sin", "log1p", "sqrt", "tanh", "arctan")
]  # fmt: skip

NAMED = [
    Row("abs", (real(),), np.abs, dtypes="fciu"),
    Row("neg", (real(),), np.negative, dtypes="fciu", also="pytensor.tensor.math:neg"),
    Row(
        "sqr",
        (real(),),
        np.square,
        dtypes="fciu",
    ),
    Row("square", (real(),), np.square, dtypes="fc"),
    Row("reciprocal", (real(0.3, 2),), np.reciprocal, dtypes="fc"),
    Row("sign", (real(0.1, 2),), np.sign, dtypes="fi"),
    Row("sgn", (real(),), np.sign, deprecated("sgn")),
    Row("sigmoid", (real(-4, 4),), scipy.special.expit),
    Row("expit", (real(-4, 4),), scipy.special.expit),
    Row("softplus", (real(-4, 4),), lambda x: np.logaddexp(x, np.zeros_like(x))),
    Row("log1pexp", (real(-4, 4),), lambda x: np.logaddexp(x, np.zeros_like(x))),
    Row("log1mexp", (real(-4, -0.1),), lambda x: np.log1p(-np.exp(x))),
]

ROUNDING = [
    *each("ceil floor trunc", (real(-3, 3),), "f"),
    Row("round", (real(-3, 3),), np.round, dtypes="f"),
    Row("round_half_to_even", (real(-3, 3),), np.round, dtypes="f"),
    Row(
        "round_half_away_from_zero",
        (real(-3, 3),),
        lambda x: np.sign(x) * np.floor(np.abs(x) + x.dtype.type(0.5)),
    ),
    Row(
        "iround",
        (real(-3, 3),),
        lambda x: np.sign(x) * np.floor(np.abs(x) + 0.5),
        gradient=STEPS,
        dtype="int64 by definition",
    ),
]

TESTS = [
    *each("isnan isinf isfinite isposinf isneginf", (real(),), "fi", gradient=TRUTH),
    Row("invert", (real(-9, 9),), np.invert, dtypes="iub", gradient=STEPS),
    Row("bitwise_not", (real(-9, 9),), np.invert, dtypes="i", gradient=STEPS),
]

BINARY = [
    Row("add", (real(), real()), np.add, dtypes="fciub"),
    Row("sub", (real(), real()), np.subtract, dtypes="fciu"),
    Row("mul", (real(), real()), np.multiply, dtypes="fciub"),
    Row("true_div", (real(), real(0.3, 2)), np.true_divide, dtypes="fc"),
    Row("floor_div", (real(-9, 9), real(1, 3)), np.floor_divide, dtypes="fiu"),
    Row("int_div", (real(-9, 9), real(1, 3)), np.floor_divide, dtypes="iu", gradient=STEPS),
    Row("mod", (real(-9, 9), real(1.5, 3)), np.mod, dtypes="fiu"),
    Row("pow", (real(0.3, 2), real(-2, 2)), np.power, dtypes="f"),
    Row("power", (real(0, 3), real(0, 3)), np.power, dtypes="iu", gradient=STEPS),
    Row("pow complex", (real(0.3, 2), real(-1, 1)), np.power, dtypes="c"),
    *each("maximum minimum", (real(), real()), "fiu"),
    *each("logaddexp arctan2", (real(), real()), "f"),
    Row(
        "ceil_intdiv",
        (real(1, 9), real(1, 3)),
        lambda x, y: (x + y - 1) // y,
        dtypes="iu",
        gradient=STEPS,
    ),
    Row("divmod", (real(-9, 9), real(1, 3)), np.divmod, dtypes="i", gradient=STEPS),
    Row("mod_check", (real(-9, 9), real(1, 3)), np.mod, dtypes="i", gradient=STEPS),
    Row("true_div of integers", (real(-9, 9), real(1, 3)), in_double(np.true_divide), dtypes="iu",
        gradient=STEPS, dtype=SMALL),
]  # fmt: skip
COMPARISONS = [
    Row(name, (real(-1, 1), real(-1, 1)), function, dtypes="fiub",
        gradient=TRUTH)
    for name, function in {
        "lt": np.less, "less": np.less, "le": np.less_equal, "less_equal": np.less_equal,
        "gt": np.greater, "greater": np.greater, "ge": np.greater_equal,
        "greater_equal": np.greater_equal, "eq": np.equal, "equal": np.equal,
        "neq": np.not_equal, "not_equal": np.not_equal,
    }.items()
]  # fmt: skip
BITS = [
    Row(name, (real(-9, 9), real(-9, 9)), function, dtypes="iub", gradient=STEPS)
    for name, function in {
        "and_": np.bitwise_and, "bitwise_and": np.bitwise_and, "or_": np.bitwise_or,
        "bitwise_or": np.bitwise_or, "xor": np.bitwise_xor, "bitwise_xor": np.bitwise_xor,
    }.items()
]  # fmt: skip
CHOICES = [
    Row("switch", (boolean(), real(), real()), np.where, dtypes="fciub"),
    Row("where", (boolean(), real(), real()), np.where, dtypes="fi"),
    Row("clip", (real(-3, 3), real(-1, -0.5), real(0.5, 1)), np.clip, dtypes="fi"),
    Row("second", (real(), real()), lambda a, b: np.broadcast_to(b, np.broadcast_shapes(a.shape, b.shape)), wrt=(1,),
        dtypes="fci"),
    Row("fill", (real(), real()), lambda a, b: np.broadcast_to(b, a.shape), wrt=(1,),
        shapes=[arrays((3, 4), ()), arrays((3, 4), (3, 4))]),
    Row("isclose", (real(), real()), np.isclose, dtypes="f", gradient=TRUTH),
    Row("nan_to_num", (real(),), np.nan_to_num, dtypes="f"),
    Row("identity_like", (real(),), lambda x: np.eye(*x.shape, dtype=x.dtype), dtypes="f",
        shapes=[arrays((3, 3))], gradient="depends on the shape only"),
]  # fmt: skip
MANY = [
    Row("add three", (real(), real(), real()), lambda a, b, c: a + b + c, dtypes="fci"),
    Row("mul three", (real(), real(), real()), lambda a, b, c: a * b * c, dtypes="fci"),
    Row("variadic_add", (real(), real(), real()), lambda a, b, c: a + b + c),
    Row("variadic_mul", (real(), real(), real()), lambda a, b, c: a * b * c),
]
ROWS = [
    *UNARY,
    *OF_INTEGERS,
    *NAMED,
    *ROUNDING,
    *TESTS,
    *BINARY,
    *COMPARISONS,
    *BITS,
    *CHOICES,
    *MANY,
]
