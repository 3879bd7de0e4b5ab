"""Size and sign, rounding, casts, and the parts of complex numbers."""

from __future__ import annotations

import numpy as np

from pytensor.graph.null_type import DisconnectedType, disconnected_type
from pytensor.scalar.op import BinaryScalarOp, UnaryScalarOp, _float_zeros, cast_value
from pytensor.scalar.out_types import (
    real_out,
    same_out_float_only,
    same_out_min8,
    same_out_nobool,
    specific_out,
    upgrade_to_float_no_complex,
)
from pytensor.scalar.type import (
    ScalarType,
    all_types,
    complex64,
    complex128,
    complex_types,
    discrete_types,
    get_scalar_type,
    upcast,
)
from pytensor.scalar.variable import as_scalar, define, ops


class _OfComplex(UnaryScalarOp):
    """A real function of a complex number: linear over the reals, not over the complex numbers."""

    types = real_out
    vectorized_impl = True

    def compute_dtypes(self, in_dtypes, out_dtypes):
        return in_dtypes

    def pullback(self, inputs, outputs, cotangents):
        (x,), (gz,) = inputs, cotangents
        if isinstance(gz.type, DisconnectedType):
            return [disconnected_type()]
        if outputs[0].type in discrete_types:
            return [_float_zeros(x)]
        if x.type in complex_types:
            return [self.pull_complex(x, outputs[0], gz)]
        return super().pullback(inputs, outputs, cotangents)

    def pushforward(self, inputs, outputs, tangents):
        (x,), (t,) = inputs, tangents
        if x.type in complex_types and not isinstance(t.type, DisconnectedType):
            return [self.push_complex(x, outputs[0], t)]
        return super().pushforward(inputs, outputs, tangents)


class Abs(_OfComplex):
    """The absolute value of x."""

    nfunc_spec = ("abs", 1, 1)
    c_expr = {"b": "{0}", "i": "pt_abs_{t}({0})", "u": "{0}", "f": "pt_abs_{t}({0})", "c": "pt_abs_{t}({0})"}  # fmt: skip
    preserves_zero = True
    non_negative = True

    def derivative(self, x, y):
        return ops.sign(x)

    def pull_complex(self, x, y, g):
        # The direction of x; 0 at 0.
        return g * ops.switch(ops.eq(y, 0), 0, x / y)

    def push_complex(self, x, y, t):
        return ops.real(ops.conj(x) * t) / y


class Real(_OfComplex):
    """The real part of x."""

    nfunc_spec = ("real", 1, 1)
    c_expr = {"b": "{0}", "i": "{0}", "u": "{0}", "f": "{0}", "c": "pt_real_{t}({0})"}
    preserves_zero = True

    def derivative(self, x, y):
        return 1

    def pull_complex(self, x, y, g):
        return ops.complex(g, 0 * g)

    def push_complex(self, x, y, t):
        return ops.real(t)


class Imag(_OfComplex):
    """The imaginary part of x."""

    nfunc_spec = ("imag", 1, 1)
    c_expr = {"b": "0", "i": "0", "u": "0", "f": "0", "c": "pt_imag_{t}({0})"}
    preserves_zero = True

    def derivative(self, x, y):
        return 0

    def pull_complex(self, x, y, g):
        return ops.complex(0 * g, g)

    def push_complex(self, x, y, t):
        return ops.imag(t)


def angle_out(x):
    """The type of an angle: the parts' type of a complex number, a float for others."""
    return upgrade_to_float_no_complex(*real_out(x))


class Angle(_OfComplex):
    """The angle of x in the complex plane, in (-pi, pi]."""

    nfunc_spec = ("angle", 1, 1)
    types = angle_out
    c_expr = {"f": "pt_angle_{t}({0})", "c": "pt_angle_{t}({0})"}

    def compute_dtypes(self, in_dtypes, out_dtypes):
        return in_dtypes if in_dtypes[0].startswith("complex") else out_dtypes

    def derivative(self, x, y):
        return 0

    def pull_complex(self, x, y, g):
        re, im = ops.real(x), ops.imag(x)
        square = ops.sqr(re) + ops.sqr(im)
        return ops.complex(-g * im / square, g * re / square)

    def push_complex(self, x, y, t):
        return ops.imag(ops.conj(x) * t) / ops.sqr(ops.abs(x))


class Conj(UnaryScalarOp):
    """The complex conjugate of x."""

    nfunc_spec = ("conj", 1, 1)
    types = same_out_min8
    vectorized_impl = True
    c_expr = {"b": "{0}", "i": "{0}", "u": "{0}", "f": "{0}", "c": "pt_conj_{t}({0})"}
    preserves_zero = True

    def pullback(self, inputs, outputs, cotangents):
        (gz,) = cotangents
        if isinstance(gz.type, DisconnectedType):
            return [disconnected_type()]
        if outputs[0].type in discrete_types:
            return [_float_zeros(inputs[0])]
        return [ops.conj(gz) if gz.type in complex_types else gz]

    def pushforward(self, inputs, outputs, tangents):
        return self.pullback(inputs, outputs, tangents)


def complex_out(x, y):
    """complex64 for operands of at most 32 bits, otherwise complex128; complex operands are refused."""
    if x in complex_types or y in complex_types:
        raise TypeError(f"[complex] the parts must be real, got {x} and {y}")
    small = upcast("complex64", x.dtype, y.dtype) == "complex64"
    return (complex64 if small else complex128,)


class Complex(BinaryScalarOp):
    """x + i y"""

    types = complex_out
    vectorized_impl = True
    c_expr = {"f": "pt_complex_{to}({0}, {1})"}

    def compute_dtypes(self, in_dtypes, out_dtypes):
        return ("float32" if out_dtypes[0] == "complex64" else "float64",) * 2

    def impl(self, x, y):
        result = np.empty(np.broadcast(x, y).shape, np.result_type(x, y, "complex64"))
        result.real, result.imag = x, y
        return result[()]

    def pullback(self, inputs, outputs, cotangents):
        (gz,) = cotangents
        if isinstance(gz.type, DisconnectedType):
            return [disconnected_type(), disconnected_type()]
        if gz.type in complex_types:
            return [ops.real(gz), ops.imag(gz)]
        return [gz, _float_zeros(inputs[1])]

    def pushforward(self, inputs, outputs, tangents):
        if all(isinstance(t.type, DisconnectedType) for t in tangents):
            return [disconnected_type()]
        parts = [
            x.zeros_like() if isinstance(t.type, DisconnectedType) else t
            for x, t in zip(inputs, tangents)
        ]
        return [ops.complex(*parts)]


class Sign(UnaryScalarOp):
    """-1, 0 or 1 as x is negative, zero or positive; x / abs(x) for complex x; NaN for NaN."""

    nfunc_spec = ("sign", 1, 1)
    types = same_out_nobool
    vectorized_impl = True
    c_expr = {k: "pt_sign_{t}({0})" for k in "iufc"}
    monotonic_increasing = True
    preserves_zero = True

    def impl(self, x):
        if np.iscomplexobj(x) and np.lib.NumpyVersion(np.__version__) < "2.0.0":
            return np.where(x == 0, 0, x / np.where(x == 0, 1, np.abs(x)))[()]
        return np.sign(x)

    def derivative(self, x, y):
        return 0


class _Rounding(UnaryScalarOp):
    """A step function: flat almost everywhere."""

    vectorized_impl = True
    monotonic_increasing = True
    preserves_zero = True

    def derivative(self, x, y):
        return 0


class Ceil(_Rounding):
    """The smallest integer that is at least x, as a float."""

    nfunc_spec = ("ceil", 1, 1)
    types = upgrade_to_float_no_complex
    c_expr = {"f": "pt_ceil_{t}({0})"}


class Floor(_Rounding):
    """The largest integer that is at most x, as a float."""

    nfunc_spec = ("floor", 1, 1)
    types = upgrade_to_float_no_complex
    c_expr = {"f": "pt_floor_{t}({0})"}


class Trunc(_Rounding):
    """x without its fraction, as a float."""

    nfunc_spec = ("trunc", 1, 1)
    types = upgrade_to_float_no_complex
    c_expr = {"f": "pt_trunc_{t}({0})"}


class RoundHalfToEven(_Rounding):
    """The nearest integer; the even one of two."""

    nfunc_spec = ("around", 1, 1)
    types = same_out_float_only
    c_expr = {"f": "pt_rint_{t}({0})"}


class RoundHalfAwayFromZero(_Rounding):
    """The nearest integer; of two the one further from 0."""

    types = same_out_float_only
    c_expr = {"f": "pt_round_{t}({0})"}

    def impl(self, x):
        return round_half_away_from_zero_vec(x)


def round_half_away_from_zero_vec(a):
    """Round an array; halves go away from 0."""
    # Adding a half first would round 0.49999999999999994 up.
    whole = np.trunc(a)
    away = np.abs(np.subtract(a, whole)) >= 0.5
    return np.copysign(np.add(np.abs(whole), away.astype(np.asarray(a).dtype)), a)


round_half_away_from_zero_ = round_half_away_from_zero_vec64 = round_half_away_from_zero_vec
round_half_away_from_zero_vec32 = round_half_away_from_zero_vec


class Cast(UnaryScalarOp):
    """x as a number of another type. Complex to real drops the imaginary part."""

    vectorized_impl = True

    def __init__(self, o_type, name=None):
        if not isinstance(o_type, ScalarType):
            raise TypeError(f"[Cast] o_type must be a ScalarType, got {o_type!r}")
        super().__init__(specific_out(o_type), name=name)
        self.o_type = o_type

    def __str__(self):
        return f"{type(self).__name__}{{{self.o_type.dtype}}}"

    def clone_float32(self):
        return convert_to_float32 if self.o_type.dtype == "float16" else self

    c_expr = {k: "pt_cast_{t}_{to}({0})" for k in "biufc"}

    def compute_dtypes(self, in_dtypes, out_dtypes):
        return in_dtypes

    def c_template(self, in_dtypes, out_dtypes):
        return "{0}" if in_dtypes[0] == out_dtypes[0] else super().c_template(in_dtypes, out_dtypes)

    def impl(self, x):
        return cast_value(x, self.o_type.dtype)

    def derivative(self, x, y):
        return 1


def _cast_op(dtype):
    return Cast(get_scalar_type(dtype), name=f"convert_to_{dtype}")


_cast_mapping = {t.dtype: _cast_op(t.dtype) for t in all_types}
convert_to_bool = _cast_mapping["bool"]
convert_to_int8 = _cast_mapping["int8"]
convert_to_int16 = _cast_mapping["int16"]
convert_to_int32 = _cast_mapping["int32"]
convert_to_int64 = _cast_mapping["int64"]
convert_to_uint8 = _cast_mapping["uint8"]
convert_to_uint16 = _cast_mapping["uint16"]
convert_to_uint32 = _cast_mapping["uint32"]
convert_to_uint64 = _cast_mapping["uint64"]
convert_to_float16 = _cast_mapping["float16"]
convert_to_float32 = _cast_mapping["float32"]
convert_to_float64 = _cast_mapping["float64"]
convert_to_complex64 = _cast_mapping["complex64"]
convert_to_complex128 = _cast_mapping["complex128"]


def cast(x, dtype):
    """Return x as a scalar of another dtype; complex to real is refused, as it is ambiguous."""
    x = as_scalar(x)
    target = ScalarType(dtype).dtype
    if x.type.dtype == target:
        return x
    if x.type in complex_types and not target.startswith("complex"):
        raise TypeError(
            "Casting from complex to real is ambiguous: consider real(), imag(), angle() or abs()"
        )
    return _cast_mapping[target](x)


abs = Abs()
sign = Sign(name="sign")
ceil, floor, trunc = Ceil(name="ceil"), Floor(name="floor"), Trunc(name="trunc")
round_half_to_even = RoundHalfToEven()
round_half_away_from_zero = RoundHalfAwayFromZero()
real, imag, angle = Real(name="real"), Imag(name="imag"), Angle(name="angle")
conj = Conj(name="conj")
complex = Complex(name="complex")

define(abs=abs, sign=sign, real=real, imag=imag, conj=conj, complex=complex, cast=cast)

__all__ = [
    "Abs",
    "Angle",
    "Cast",
    "Ceil",
    "Complex",
    "Conj",
    "Floor",
    "Imag",
    "Real",
    "RoundHalfAwayFromZero",
    "RoundHalfToEven",
    "Sign",
    "Trunc",
    "abs",
    "angle",
    "angle_out",
    "cast",
    "ceil",
    "complex",
    "complex_out",
    "conj",
    "convert_to_bool",
    "convert_to_complex64",
    "convert_to_complex128",
    "convert_to_float16",
    "convert_to_float32",
    "convert_to_float64",
    "convert_to_int8",
    "convert_to_int16",
    "convert_to_int32",
    "convert_to_int64",
    "convert_to_uint8",
    "convert_to_uint16",
    "convert_to_uint32",
    "convert_to_uint64",
    "floor",
    "imag",
    "real",
    "round_half_away_from_zero",
    "round_half_away_from_zero_",
    "round_half_away_from_zero_vec",
    "round_half_away_from_zero_vec32",
    "round_half_away_from_zero_vec64",
    "round_half_to_even",
    "sign",
    "trunc",
]  # fmt: skip
