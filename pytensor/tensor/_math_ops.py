"""The element-by-element functions: each is the `Elemwise` of one scalar Op."""

from __future__ import annotations

import pytensor.scalar.basic as ps
import pytensor.scalar.math as ps_math
from pytensor.tensor._elemwise import Elemwise, elemwise_of
from pytensor.tensor.type import tensor_type
from pytensor.tensor.variable import TensorConstant

# name here -> (name of the scalar Op, what it computes). More for `help` is in `_math_docs`.
_TABLE: dict[str, tuple[str, str]] = {
    # Arithmetic
    "add": ("add", "Sum of two or more operands."),
    "sub": ("sub", "Difference."),
    "mul": ("mul", "Product of two or more operands."),
    "true_div": ("true_div", "Quotient; of integers, a float."),
    "int_div": ("int_div", "Quotient rounded toward minus infinity."),
    "mod": ("mod", "Remainder with the sign of the divisor."),
    "pow": ("pow", "Power ``a ** b``."),
    "neg": ("neg", "Negative."),
    "reciprocal": ("reciprocal", "``1 / a``."),
    "abs": ("abs", "Absolute value."),
    "sign": ("sign", "Sign: -1, 0 or 1; of a complex number, ``a / abs(a)``."),
    "sqr": ("sqr", "Square."),
    "sqrt": ("sqrt", "Square root."),
    # Rounding
    "ceil": ("ceil", "Smallest integer not below."),
    "floor": ("floor", "Largest integer not above."),
    "trunc": ("trunc", "Integer part, toward zero."),
    "round_half_to_even": ("round_half_to_even", "Nearest integer, halves to the even one."),
    "round_half_away_from_zero": (
        "round_half_away_from_zero",
        "Nearest integer, halves away from zero.",
    ),
    # Comparison and logic
    "lt": ("lt", "``a < b``."),
    "gt": ("gt", "``a > b``."),
    "le": ("le", "``a <= b``."),
    "ge": ("ge", "``a >= b``."),
    "eq": ("eq", "``a == b``."),
    "neq": ("neq", "``a != b``."),
    "isnan_": ("isnan", "Whether an element is NaN."),
    "isinf_": ("isinf", "Whether an element is infinite."),
    "switch": ("switch", "``ift`` where ``cond``, else ``iff``."),
    "and_": ("and_", "Bitwise (of bools: logical) and."),
    "or_": ("or_", "Bitwise (of bools: logical) or."),
    "xor": ("xor", "Bitwise (of bools: logical) exclusive or."),
    "invert": ("invert", "Bitwise (of bools: logical) not."),
    "maximum": ("maximum", "The larger of two operands; NaN if either is."),
    "minimum": ("minimum", "The smaller of two operands; NaN if either is."),
    "clip": ("clip", "``x`` limited to the range from ``min`` to ``max``."),
    # Exponential and logarithm
    "exp": ("exp", "``e ** a``."),
    "exp2": ("exp2", "``2 ** a``."),
    "expm1": ("expm1", "``e ** a - 1``, exact for small ``a``."),
    "log": ("log", "Natural logarithm."),
    "log2": ("log2", "Logarithm to base 2."),
    "log10": ("log10", "Logarithm to base 10."),
    "log1p": ("log1p", "``log(1 + a)``, exact for small ``a``."),
    "log1mexp": ("log1mexp", "``log(1 - exp(a))`` for negative ``a``."),
    "softplus": ("softplus", "``log(1 + exp(a))``."),
    "sigmoid": ("sigmoid", "Logistic function ``1 / (1 + exp(-a))``."),
    # Trigonometry
    "sin": ("sin", "Sine."),
    "cos": ("cos", "Cosine."),
    "tan": ("tan", "Tangent."),
    "arcsin": ("arcsin", "Inverse sine."),
    "arccos": ("arccos", "Inverse cosine."),
    "arctan": ("arctan", "Inverse tangent."),
    "arctan2": ("arctan2", "Angle of the point ``(b, a)``."),
    "sinh": ("sinh", "Hyperbolic sine."),
    "cosh": ("cosh", "Hyperbolic cosine."),
    "tanh": ("tanh", "Hyperbolic tangent."),
    "arcsinh": ("arcsinh", "Inverse hyperbolic sine."),
    "arccosh": ("arccosh", "Inverse hyperbolic cosine."),
    "arctanh": ("arctanh", "Inverse hyperbolic tangent."),
    # Complex numbers
    "real": ("real", "Real part."),
    "imag": ("imag", "Imaginary part."),
    "_conj": ("conj", "Complex conjugate."),
    "complex": ("complex", "Complex number from real and imaginary part."),
    # Special functions
    "erf": ("erf", "Error function."),
    "erfc": ("erfc", "Complementary error function ``1 - erf(a)``."),
    "erfcx": ("erfcx", "Scaled complementary error function ``exp(a**2) * erfc(a)``."),
    "erfinv": ("erfinv", "Inverse error function."),
    "erfcinv": ("erfcinv", "Inverse complementary error function."),
    "owens_t": ("owens_t", "Owen's T function."),
    "gamma": ("gamma", "Gamma function."),
    "gammaln": ("gammaln", "Logarithm of the absolute value of the gamma function."),
    "psi": ("psi", "Derivative of ``gammaln``."),
    "tri_gamma": ("tri_gamma", "Second derivative of ``gammaln``."),
    "polygamma": ("polygamma", "``n``-th derivative of the digamma function."),
    "gammainc": ("gammainc", "Regularized lower incomplete gamma function."),
    "gammaincc": ("gammaincc", "Regularized upper incomplete gamma function."),
    "gammaincinv": ("gammaincinv", "Inverse of ``gammainc`` in its second argument."),
    "gammainccinv": ("gammainccinv", "Inverse of ``gammaincc`` in its second argument."),
    "betainc": ("betainc", "Regularized incomplete beta function."),
    "betaincinv": ("betaincinv", "Inverse of ``betainc`` in its third argument."),
    "hyp2f1": ("hyp2f1", "Gauss's hypergeometric function."),
    "j0": ("j0", "Bessel function of the first kind of order 0."),
    "j1": ("j1", "Bessel function of the first kind of order 1."),
    "jv": ("jv", "Bessel function of the first kind of real order."),
    "i0": ("i0", "Modified Bessel function of the first kind of order 0."),
    "i1": ("i1", "Modified Bessel function of the first kind of order 1."),
    "ive": ("ive", "Exponentially scaled modified Bessel function of the first kind."),
    "kve": ("kve", "Exponentially scaled modified Bessel function of the second kind."),
    "ndtri_exp": ("ndtri_exp", "Inverse of the logarithm of the normal distribution function."),
    # Structure
    "second": ("second", "``b``, broadcast to the shape of ``a``."),
    "tensor_copy": ("identity", "A copy."),
}

# Other names of the same function.
ALIASES = {
    "equal": "eq",
    "not_equal": "neq",
    "less": "lt",
    "less_equal": "le",
    "greater": "gt",
    "greater_equal": "ge",
    "bitwise_and": "and_",
    "bitwise_or": "or_",
    "bitwise_xor": "xor",
    "bitwise_not": "invert",
    "floor_div": "int_div",
    "square": "sqr",
    "expit": "sigmoid",
    "log1pexp": "softplus",
    "digamma": "psi",
    "fill": "second",
    "identity": "tensor_copy",
}


def _elemwise(name: str, scalar_name: str) -> Elemwise:
    scalar_op = getattr(ps, scalar_name, None) or getattr(ps_math, scalar_name)
    op = elemwise_of(scalar_op)
    op.__name__ = name.strip("_")
    return op


class _Docstring:
    """`Elemwise.__doc__`; of an instance that is a function here, one of its own.

    That is composed when somebody looks, from the summary above and the texts of `_math_docs`.
    """

    of_class = Elemwise.__doc__
    by_name = {name.strip("_"): name for name in _TABLE}

    def __get__(self, op, owner=None):
        name = None if op is None else self.by_name.get(op.__dict__.get("__name__"))
        if name is None:
            return self.of_class
        from pytensor.tensor._math_docs import docstring  # noqa: PLC0415 (when it is read)

        return docstring(name, _TABLE[name][1])


def summary(op: Elemwise) -> str:
    """Return the one line that the table says of one of its functions."""
    return _TABLE[_Docstring.by_name[op.__name__]][1]


Elemwise.__doc__ = _Docstring()  # type: ignore[assignment]


globals().update({name: _elemwise(name, entry[0]) for name, entry in _TABLE.items()})
globals().update({alias: globals()[name] for alias, name in ALIASES.items()})

__all__ = [*_TABLE, *ALIASES]


_CASTS: dict[str, Elemwise] = {}


def cast_op(dtype: str) -> Elemwise:
    """Return the Op that casts to `dtype`, always the same one."""
    found = _CASTS.get(dtype)
    if found is None:
        found = _CASTS[dtype] = elemwise_of(ps.Cast(ps.get_scalar_type(dtype)))
        found.__name__ = f"_convert_to_{dtype}"
    return found


def _cast_to(x, dtype: str):
    """Return `x` in `dtype`: itself if it is, a constant if it is one, or a cast."""
    if x.type.dtype == dtype:
        return x
    if isinstance(x, TensorConstant) and x.type.ndim == 0:
        return TensorConstant(tensor_type(dtype, ()), x.data.astype(dtype))
    return cast_op(dtype)(x)
