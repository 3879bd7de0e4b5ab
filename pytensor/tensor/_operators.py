"""The operators and methods of tensor variables.

Attached to `_tensor_py_operators` when `pytensor.tensor` is imported: they build Ops, which are
above the module that defines variables. The tables below are the whole of it.
"""

from __future__ import annotations

import numpy as np

from pytensor.graph.basic import Variable
from pytensor.scalar.basic import ComplexError, IntegerDivisionError
from pytensor.tensor import basic, math
from pytensor.tensor._constant_value import get_underlying_scalar_constant_value
from pytensor.tensor._convert import as_tensor_variable
from pytensor.tensor._dimshuffle import dimshuffle
from pytensor.tensor._elemwise import Elemwise
from pytensor.tensor._math_ops import summary
from pytensor.tensor._reshape import reshape
from pytensor.tensor._shape_ops import length, shape
from pytensor.tensor.variable import _tensor_py_operators


def _binary(op):
    """Return ``a.__op__(b)``, which leaves operands that are no arrays to Python."""

    def method(self, other):
        try:
            return op(self, other)
        except (NotImplementedError, TypeError) as exc:
            if isinstance(exc, (ComplexError, IntegerDivisionError)):
                raise
            if _is_array_like(other):
                # The user's mistake is about dtypes or shapes: say which.
                raise
            return NotImplemented

    return method


def _is_array_like(other) -> bool:
    return isinstance(other, (Variable, np.ndarray, np.generic, int, float, complex, list, tuple))


def _reflected(op):
    def method(self, other):
        return _binary(lambda a, b: op(b, a))(self, other)

    return method


def _summary(function) -> str | None:
    """Return the docstring of a method; an Op's is one line, more is composed only when read."""
    if isinstance(function, Elemwise):
        return summary(function)
    return function.__doc__


def _unary(function):
    def method(self):
        return function(self)

    method.__doc__ = _summary(function)
    return method


_BINARY = {
    "add": math.add,
    "sub": math.sub,
    "mul": math.mul,
    "truediv": math.true_div,
    "floordiv": math.int_div,
    "mod": math.mod_check,
    "divmod": math.divmod,
    "pow": math.pow,
    "and": math.and_,
    "or": math.or_,
    "xor": math.xor,
}
_COMPARISONS = {"lt": math.lt, "le": math.le, "gt": math.gt, "ge": math.ge}
_UNARY = {
    "__abs__": math.abs,
    "__neg__": math.neg,
    "__invert__": math.invert,
    "__ceil__": math.ceil,
    "__floor__": math.floor,
    "__trunc__": math.trunc,
}
# Methods that are the function with the variable as first argument.
_METHODS = {
    **{
        name: getattr(math, name)
        for name in [
            "all",
            "any",
            "argmax",
            "argmin",
            "clip",
            "conj",
            "conjugate",
            "max",
            "mean",
            "min",
            "prod",
            "ptp",
            "round",
            "std",
            "sum",
            "var",
            "arccos",
            "arccosh",
            "arcsin",
            "arcsinh",
            "arctan",
            "arctanh",
            "ceil",
            "cos",
            "cosh",
            "deg2rad",
            "exp",
            "exp2",
            "expm1",
            "floor",
            "log",
            "log10",
            "log1p",
            "log2",
            "rad2deg",
            "sin",
            "sinh",
            "sqrt",
            "tan",
            "tanh",
            "trunc",
        ]
    },
    **{
        name: getattr(basic, name)
        for name in [
            "choose",
            "diagonal",
            "flatten",
            "nonzero",
            "nonzero_values",
            "ones_like",
            "swapaxes",
            "trace",
            "transfer",
            "zeros_like",
        ]
    },
    "astype": basic.cast,
    "fill": basic.fill,
    "reshape": reshape,
    "dot": math.dot,
}


def __matmul__(left, right):
    return _binary(math.matmul)(left, right)


def __rmatmul__(right, left):
    return _reflected(math.matmul)(right, left)


def __rdot__(right, left):
    return math.dot(left, right)


def __iter__(self):
    """Iterate over the first axis, if its length is known."""
    if self.type.ndim:
        try:
            n = self.type.shape[0]
            n = basic.get_vector_length(self) if n is None and self.type.ndim == 1 else n
        except ValueError:
            n = None
        if n is not None:
            return (self[i] for i in range(n))
    raise TypeError(
        "TensorType does not support iteration.\n"
        "\tDid you try to unpack a Variable or used a function that expects a list?\n"
        f"\tThe length of the first axis of {self} ({self.type}) is not known."
    )


def dimshuffle_method(self, *pattern):
    """Permute, drop and add axes; ``"x"`` is a new axis of length 1.

    Examples
    --------
    ``v.dimshuffle(0, "x")`` makes a vector a column.
    """
    if len(pattern) == 1 and isinstance(pattern[0], (list, tuple)):
        pattern = tuple(pattern[0])
    if pattern == tuple(range(self.type.ndim)):
        return self
    return dimshuffle(self, pattern)


def transpose_method(self, *axes):
    """Permute the axes; reverse them by default."""
    if not axes:
        return basic.transpose(self)
    if len(axes) == 1 and (axes[0] is None or isinstance(axes[0], (list, tuple))):
        return basic.transpose(self, axes[0])
    return basic.transpose(self, axes)


def copy(self, name=None):
    """Return a symbolic copy."""
    copied = basic.tensor_copy(self)
    copied.name = name
    return copied


def ravel(self):
    """Return the elements in a vector."""
    return basic.flatten(self)


def norm(self, L, axis=None, keepdims=False):
    """Return the L-norm along `axis`."""
    if L == 0:
        raise NotImplementedError("Zero-norm is not implemented.")
    if np.isinf(L):
        raise NotImplementedError("Infinite norms are not implemented.")
    total = math.sum(math.pow(math.abs(self), L), axis=axis, keepdims=keepdims)
    return math.pow(total, 1.0 / L)


def get_underlying_scalar_constant(self):
    """Return the constant that fills this variable, or raise NotScalarConstantError."""
    return get_underlying_scalar_constant_value(self)


def _size(self):
    """The number of elements."""
    if self.type.ndim == 0:
        return as_tensor_variable(np.int64(1))
    if self.type.ndim == 1:
        return length(self, 0)
    return math.prod(self.shape)


_PROPERTIES = {
    "T": lambda self: basic.transpose(self),
    "mT": lambda self: basic.matrix_transpose(self),
    "real": lambda self: math.real(self),
    "imag": lambda self: math.imag(self),
    "shape": lambda self: shape(self),
    "size": _size,
}


def _method(function):
    def method(self, *args, **kwargs):
        return function(self, *args, **kwargs)

    method.__doc__ = _summary(function)
    return method


def attach(cls=_tensor_py_operators, **more) -> None:
    """Give `cls` its operators, methods and properties.

    Parameters
    ----------
    **more
        Further methods: ``name=function``, called with the variable first. Modules above this one
        (indexing, sorting ...) hand in theirs.
    """
    for name, op in more.items():
        setattr(cls, name, op if isinstance(op, property) else _named(name, _method(op)))


def _named(name, method):
    method.__name__ = name
    method.__qualname__ = f"_tensor_py_operators.{name}"
    return method


def _attach_own() -> None:
    cls = _tensor_py_operators
    for name, op in _BINARY.items():
        setattr(cls, f"__{name}__", _named(f"__{name}__", _binary(op)))
        setattr(cls, f"__r{name}__", _named(f"__r{name}__", _reflected(op)))
    for name, op in _COMPARISONS.items():
        setattr(cls, f"__{name}__", _named(f"__{name}__", _binary(op)))
    for name, op in _UNARY.items():
        setattr(cls, name, _named(name, _unary(op)))
    for name, function in _METHODS.items():
        setattr(cls, name, _named(name, _method(function)))
    for name, getter in _PROPERTIES.items():
        setattr(cls, name, property(getter))
    for function in (__matmul__, __rmatmul__, __rdot__, __iter__, copy, ravel, norm):
        setattr(cls, function.__name__, function)
    cls.get_underlying_scalar_constant = get_underlying_scalar_constant
    cls.__dot__ = _METHODS["dot"]
    cls.dimshuffle = dimshuffle_method
    cls.transpose = transpose_method


_attach_own()

__all__ = ["attach"]
