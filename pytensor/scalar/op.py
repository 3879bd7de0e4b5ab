"""`ScalarOp`: an operation on numbers. One declaration holds all that is known about it."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from pytensor.configdefaults import config
from pytensor.graph.basic import Apply
from pytensor.graph.null_type import (
    DisconnectedType,
    disconnected_type,
    grad_not_implemented,
    grad_undefined,
)
from pytensor.graph.op import Op
from pytensor.graph.utils import MetaObject, MethodNotDefined
from pytensor.scalar.out_types import bool_out
from pytensor.scalar.type import (
    ScalarType,
    complex_types,
    discrete_dtypes,
    discrete_types,
    upcast,
)
from pytensor.scalar.variable import as_scalar, ops
from pytensor.utils import lazy_scipy_module

scipy_special = lazy_scipy_module("special")


class ComplexError(NotImplementedError):
    """Raised if complex numbers are used in an unsupported operation."""


class IntegerDivisionError(Exception):
    """Raised if someone tries to divide integers with '/' instead of '//'."""


class _Mark(MetaObject):
    """An entry of a derivative that is no number."""

    __props__ = ("name",)

    def __init__(self, name):
        self.name = name


NOT_IMPLEMENTED = _Mark("not implemented")
UNDEFINED = _Mark("undefined")
DISCONNECTED = _Mark("disconnected")

C_SUFFIX = {
    "bool": "bool",
    "float32": "f32",
    "float64": "f64",
    "complex64": "c64",
    "complex128": "c128",
    **{f"int{n}": f"i{n}" for n in (8, 16, 32, 64)},
    **{f"uint{n}": f"u{n}" for n in (8, 16, 32, 64)},
}
"""The suffix of a C helper for a dtype. float16 has none: it is computed in float32 and rounded."""

_COMPUTED = {"float16": "float32"}

_C_KEY = {"b": "b", "i": "i", "u": "u", "f": "f", "c": "c"}


def cast_value(value, dtype: str):
    """Return a NumPy array or scalar as another dtype; out of range behaves as NumPy's ``astype``."""
    if getattr(value, "dtype", None) is None:
        value = np.asarray(value)[()]
    if value.dtype == dtype:
        return value
    if dtype not in ("complex64", "complex128") and value.dtype.kind == "c" and dtype != "bool":
        value = value.real
    return value.astype(dtype)


class ScalarOp(Op):
    """An operation on numbers.

    Parameters
    ----------
    output_types_preference : callable, optional
        The rule for the types of the outputs (see `scalar.out_types`) instead of the class's own.
    name : str, optional
        The name to print.

    Notes
    -----
    A subclass declares, in this order: its equation (docstring), `nfunc_spec` or `impl`, `types`, `c_expr`,
    algebraic facts, and `partials`, its derivative.
    """

    nin: ClassVar[int] = -1
    """Number of operands; -1 for any."""
    nout: ClassVar[int] = 1
    nfunc_spec: ClassVar[tuple[str, int, int] | None] = None
    """(name of the function in numpy or ``scipy.special``, its number of inputs, of outputs)."""
    types: ClassVar[Callable | None] = None
    """The rule for the types of the outputs."""
    vectorized_impl: ClassVar[builtins.bool] = False
    """Whether `impl` may be called with arrays. True for the ops of this package."""
    c_expr: ClassVar[str | Mapping[str, str] | None] = None
    """C expression over operands ``{0}``, ``{1}`` of the compute type with suffix ``{t}`` (output: ``{to}``),
    or one for each category of compute type: b, i, u, f, c. Ops of any number of operands give
    the expression of two; the rest is folded from the left."""

    associative: ClassVar[builtins.bool | None] = None
    commutative: ClassVar[builtins.bool | None] = None
    identity: ClassVar[Any] = None

    def __init__(self, output_types_preference=None, name=None):
        self.name = name
        if output_types_preference is not None:
            if not callable(output_types_preference):
                raise TypeError(
                    "[ScalarOp] output_types_preference must be callable, "
                    f"got {type(output_types_preference).__name__}"
                )
            self.output_types_preference = output_types_preference
        elif self.types is not None:
            self.output_types_preference = self.types

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        # A rule is a plain function; it must not become a method.
        rule = cls.__dict__.get("types")
        if rule is not None and not isinstance(rule, staticmethod):
            cls.types = staticmethod(rule)

    def __eq__(self, other):
        return self is other or (
            type(self) is type(other)
            and getattr(self, "output_types_preference", None)
            == getattr(other, "output_types_preference", None)
        )

    def __hash__(self):
        return hash((type(self), getattr(self, "output_types_preference", None)))

    def __str__(self):
        return self.name or type(self).__name__

    # Building a node -----------------------------------------------------------------------------------------

    def make_node(self, *inputs):
        if self.nin >= 0 and len(inputs) != self.nin:
            raise TypeError(
                f"Wrong number of inputs for {self}.make_node (got {len(inputs)}({inputs}), "
                f"expected {self.nin})"
            )
        inputs = [as_scalar(x) for x in inputs]
        types = self.output_types([x.type for x in inputs])
        return Apply(self, inputs, [t.make_variable() for t in types])

    def output_types(self, types: Sequence[ScalarType]) -> Sequence[ScalarType]:
        """Return the types of the outputs for operands of these types, or raise TypeError."""
        rule = getattr(self, "output_types_preference", None)
        if rule is None:
            raise NotImplementedError(f"Cannot calculate the output types for {self}")
        variables = rule(*types)
        if not isinstance(variables, list | tuple) or any(
            not isinstance(x, ScalarType) for x in variables
        ):
            raise TypeError(f"[{self}] output_types_preference must return types, got {variables}")
        if len(variables) != self.nout:
            raise TypeError(f"[{self}] must have {self.nout} outputs, got {len(variables)} types")
        return variables

    # Computing -----------------------------------------------------------------------------------------------

    @cached_property
    def nfunc(self) -> Callable | None:
        """The NumPy or SciPy function, or None."""
        if self.nfunc_spec is None:
            return None
        name = self.nfunc_spec[0]
        if name.startswith("scipy.special."):
            return getattr(scipy_special, name.removeprefix("scipy.special."))
        return getattr(np, name)

    def __getstate__(self):
        return {k: v for k, v in self.__dict__.items() if k != "nfunc"}

    def impl(self, *inputs):
        """Compute the outputs (a tuple if there are several) from numbers, or arrays if `vectorized_impl`."""
        if self.nfunc is None:
            raise MethodNotDefined("impl", type(self), type(self).__name__)
        return self.nfunc(*inputs)

    def compute_dtypes(self, in_dtypes: Sequence[str], out_dtypes: Sequence[str]) -> Sequence[str]:
        """Return the dtypes operands are cast to before `impl` or the C expression. Here: that of the output."""
        return (out_dtypes[0],) * len(in_dtypes)

    def evaluate(
        self, values: Sequence, in_dtypes: Sequence[str], out_dtypes: Sequence[str]
    ) -> tuple:
        """Compute the outputs for NumPy numbers or arrays, which are broadcast, with the dtypes given."""
        dtypes = self.compute_dtypes(in_dtypes, out_dtypes)
        values = [cast_value(v, dtype) for v, dtype in zip(values, dtypes)]
        impl = self.impl
        if not self.vectorized_impl and any(np.ndim(v) for v in values):
            impl = np.vectorize(impl, otypes=list(out_dtypes))
        with np.errstate(all="ignore"):
            results = impl(*values)
            results = (results,) if self.nout == 1 else results
            return tuple(cast_value(r, dtype) for r, dtype in zip(results, out_dtypes))

    def perform(self, node, inputs, output_storage):
        results = self.evaluate(
            inputs, [x.type.dtype for x in node.inputs], [x.type.dtype for x in node.outputs]
        )
        for storage, result in zip(output_storage, results):
            storage[0] = result

    # C -------------------------------------------------------------------------------------------------------

    def c_template(self, in_dtypes: Sequence[str], out_dtypes: Sequence[str]) -> str | None:
        """Return the C expression for these dtypes, its suffixes filled in, or None.

        That for float16 is that for float32: whoever writes it rounds the results.
        """
        template = self.c_expr
        out_dtypes = [_COMPUTED.get(d, d) for d in out_dtypes]
        dtypes = [_COMPUTED.get(d, d) for d in self.compute_dtypes(in_dtypes, out_dtypes)]
        if template is None or any(d not in C_SUFFIX for d in (*dtypes, *out_dtypes)):
            return None
        if not isinstance(template, str):
            template = template.get(self.c_category(dtypes))
            if template is None:
                return None
        names = [f"{{{i}}}" for i in range(len(dtypes))]
        t, to = C_SUFFIX[self.c_dtype(dtypes)], C_SUFFIX[out_dtypes[0]]
        if self.nin != -1:
            return template.format(*names, t=t, to=to)
        folded = names[0]
        for name in names[1:]:
            folded = "(" + template.format(folded, name, t=t, to=to) + ")"
        return folded

    def c_dtype(self, dtypes: Sequence[str]) -> str:
        """Return which of the compute dtypes decides category and suffix: the last one."""
        return dtypes[-1]

    def c_category(self, dtypes: Sequence[str]) -> str:
        """Return the category (b, i, u, f, c) that selects the C expression."""
        return _C_KEY[np.dtype(self.c_dtype(dtypes)).kind]

    def supports_c_code(self, inputs, outputs) -> builtins.bool:
        """Tell whether there is C for operands and results of these types."""
        return self.has_c([x.type.dtype for x in inputs], [x.type.dtype for x in outputs])

    def has_c(self, in_dtypes: Sequence[str], out_dtypes: Sequence[str]) -> builtins.bool:
        """Tell the same for names of dtypes."""
        return self.c_template(in_dtypes, out_dtypes) is not None

    # Derivatives ---------------------------------------------------------------------------------------------

    def partials(self, inputs, output) -> Sequence:
        """Return for each operand the derivative of the output with respect to it.

        An entry is a variable, a number, a function that multiplies its argument by the derivative (where
        that is better than a product), or one of the marks NOT_IMPLEMENTED, UNDEFINED and DISCONNECTED.
        """
        raise MethodNotDefined("pullback", type(self), type(self).__name__)

    def pullback(self, inputs, outputs, cotangents):
        """Multiply the cotangent by each (conjugated) derivative.

        The cotangent of a complex z of a real cost C is dC/dRe(z) + i dC/dIm(z).
        """
        (output,), (gz,) = outputs, cotangents
        if isinstance(gz.type, DisconnectedType):
            return [disconnected_type() for _ in inputs]
        if output.type in discrete_types:
            return [_float_zeros(x) for x in inputs]
        return [
            self._pull_one(i, x, partial, gz)
            for i, (x, partial) in enumerate(zip(inputs, self.partials(inputs, output)))
        ]

    def _pull_one(self, i, x, partial, gz):
        if partial is NOT_IMPLEMENTED:
            return grad_not_implemented(self, i, x)
        if partial is UNDEFINED:
            return grad_undefined(self, i, x)
        if partial is DISCONNECTED:
            return disconnected_type()
        if _is_number(partial, 0):
            return _float_zeros(x)
        if gz.type in complex_types:
            conj = ops.conj
            g = conj(_times(conj(gz), partial)) if not _is_number(partial, 1) else gz
            return g if x.type in complex_types else ops.real(g)
        return _times(gz, partial)

    def pushforward(self, inputs, outputs, tangents):
        (output,) = outputs
        connected = [not isinstance(t.type, DisconnectedType) for t in tangents]
        if not any(connected):
            return [disconnected_type()]
        if output.type in discrete_types:
            return [_float_zeros(output)]
        total = None
        for i, (x, tangent, partial) in enumerate(
            zip(inputs, tangents, self.partials(inputs, output))
        ):
            if not connected[i] or partial is DISCONNECTED or _is_number(partial, 0):
                continue
            if isinstance(partial, _Mark):
                make = grad_undefined if partial is UNDEFINED else grad_not_implemented
                return [make(self, i, x)]
            term = _times(tangent, partial)
            total = term if total is None else ops.add(total, term)
        return [_float_zeros(output) if total is None else total]


def _is_number(partial, number) -> builtins.bool:
    return isinstance(partial, int | float) and partial == number


def _times(g, partial):
    """Return g times the derivative `partial` in any of its forms."""
    if _is_number(partial, 1):
        return g
    if _is_number(partial, -1):
        return ops.neg(g)
    if callable(partial):
        return partial(g)
    return ops.mul(g, partial)


def _float_zeros(x):
    """Return zeros like x, in floatX where x is discrete."""
    return x.zeros_like(dtype=config.floatX if x.type in discrete_types else None)


class UnaryScalarOp(ScalarOp):
    """An operation on one number; `derivative(x, y)` returns dy/dx in a form `partials` allows."""

    nin = 1
    monotonic_increasing: ClassVar[builtins.bool] = False
    monotonic_decreasing: ClassVar[builtins.bool] = False
    preserves_zero: ClassVar[builtins.bool] = False
    non_negative: ClassVar[builtins.bool] = False

    def derivative(self, x, y):
        raise MethodNotDefined("pullback", type(self), type(self).__name__)

    def partials(self, inputs, output):
        return [self.derivative(inputs[0], output)]


class BinaryScalarOp(ScalarOp):
    """An operation on two numbers."""

    nin = 2


class LogicalComparison(BinaryScalarOp):
    """A comparison: operands are compared in their common dtype, the result is bool."""

    types = bool_out
    vectorized_impl = True

    def __init__(self, output_types_preference=None, name=None):
        super().__init__(name=name)

    def compute_dtypes(self, in_dtypes, out_dtypes):
        kinds = {np.dtype(d).kind for d in in_dtypes}
        if kinds == {"i", "u"} and upcast(*in_dtypes) == "float64":
            # No integer type holds both sides, and float64 would round: compared exactly.
            return ["uint64" if d.startswith("u") else "int64" for d in in_dtypes]
        return (upcast(*in_dtypes),) * 2

    def c_category(self, dtypes):
        if dtypes[0] != dtypes[1]:
            return "iu" if dtypes[0] == "int64" else "ui"
        return super().c_category(dtypes)

    def partials(self, inputs, output):
        return [0, 0]


class FixedLogicalComparison(UnaryScalarOp):
    """A question about one number."""

    types = bool_out
    vectorized_impl = True

    def __init__(self, output_types_preference=None, name=None):
        super().__init__(name=name)

    def compute_dtypes(self, in_dtypes, out_dtypes):
        return in_dtypes

    def derivative(self, x, y):
        return 0


_INTEGER_KINDS = (
    "input to a BitOp must have type (u)int8, (u)int16, (u)int32 or (u)int64 or be all bools not "
)


def bit_op_types(*types):
    """The common type of integers or booleans; other types are refused."""
    for t in types:
        if t.dtype not in discrete_dtypes:
            raise TypeError(_INTEGER_KINDS + str(t))
    result = upcast(*[t.dtype for t in types])
    if result not in discrete_dtypes:
        raise TypeError(f"[BitOp] no integer type holds both operands, got {types}")
    return (ScalarType(result),)


class UnaryBitOp(UnaryScalarOp):
    """An operation on the bits of one integer."""

    types = bit_op_types
    vectorized_impl = True

    def derivative(self, x, y):
        return 0


class BinaryBitOp(BinaryScalarOp):
    """An operation on the bits of two integers."""

    types = bit_op_types
    vectorized_impl = True

    def partials(self, inputs, output):
        return [0, 0]
