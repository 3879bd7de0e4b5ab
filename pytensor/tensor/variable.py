"""Variables and constants that stand for arrays.

The operators and methods of a tensor variable build Ops, which are above this module. They are
attached to `_tensor_py_operators` by ``tensor/_operators.py`` when `pytensor.tensor` is imported.
"""

from __future__ import annotations

from numbers import Number
from typing import Any, Generic, TypeVar

import numpy as np

from pytensor.graph.basic import Constant, OptionalApplyType, Variable
from pytensor.tensor.exceptions import NotScalarConstantError
from pytensor.tensor.type import DenseTypeMeta, TensorType
from pytensor.tensor.utils import hash_from_ndarray

_TensorTypeType = TypeVar("_TensorTypeType", bound=TensorType)


class _tensor_py_operators:
    """What a variable knows from its type alone; see the module's docstring for the rest."""

    # NumPy arrays on the left of an operator leave it to us.
    __array_priority__ = 1000
    __slots__ = ()

    @property
    def dtype(self) -> str:
        """The dtype's name."""
        return self.type.dtype

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self.type.ndim

    @property
    def broadcastable(self) -> tuple[bool, ...]:
        """Which axes are known to have length 1."""
        return self.type.broadcastable

    def __bool__(self):
        raise TypeError(
            "TensorVariable cannot be converted to Python boolean. "
            "Call `.astype(bool)` for the symbolic equivalent."
        )

    def __index__(self):
        raise TypeError("TensorVariable cannot be converted to Python integer index.")

    def __int__(self):
        raise TypeError(
            "TensorVariable cannot be converted to Python integer. "
            "Call `.astype(int)` for the symbolic equivalent."
        )

    def __float__(self):
        raise TypeError(
            "TensorVariables cannot be converted to Python float. "
            "Call `.astype(float)` for the symbolic equivalent."
        )

    def __complex__(self):
        raise TypeError(
            "TensorVariables cannot be converted to Python complex number. "
            "Call `.astype(complex)` for the symbolic equivalent."
        )

    def __setitem__(self, key, value):
        raise TypeError(
            "TensorVariable does not support item assignment. "
            "Use the output of `x[idx].set` or `x[idx].inc` instead."
        )

    def get_underlying_scalar_constant(self):
        """Return the constant that fills this variable, or raise NotScalarConstantError."""
        raise NotScalarConstantError()


class TensorVariable(
    _tensor_py_operators,
    Variable[_TensorTypeType, OptionalApplyType],
    Generic[_TensorTypeType, OptionalApplyType],
):
    """A symbolic array.

    Comparison with ``==`` is identity, as for any variable (use `pytensor.tensor.eq`); the other
    operators are element by element.

    Examples
    --------
    >>> x = pt.vector("x")
    >>> (2 * x[1:]).sum().eval({x: [1.0, 2.0, 3.0]}).item()
    10.0
    """


class TensorConstantSignature:
    """Identity of a constant: its type and its bytes.

    Bytes, not values: NaN is the same as the same NaN, 0.0 is not the same as -0.0.
    """

    __slots__ = ("_bytes", "_hash", "data", "type")

    # Up to this many bytes the content itself takes part in the hash.
    _HASHED_WHOLE = 1 << 12

    def __init__(self, type, data):
        self.type = type
        self.data = np.asarray(data)
        self._bytes: bytes | None = None
        self._hash: int | None = None

    def _content(self) -> bytes:
        if self._bytes is None:
            self._bytes = self.data.tobytes()
        return self._bytes

    def __hash__(self):
        if self._hash is None:
            data = self.data
            if data.nbytes <= self._HASHED_WHOLE:
                content = self._content()
            else:
                # Large arrays that differ mostly differ in a sample; equality looks at the rest.
                step = max(1, data.size // 256)
                content = data.reshape(-1)[::step].tobytes() if data.flags.forc else data.sum()
            self._hash = hash((self.type.dtype, data.shape, content))
        return self._hash

    def __eq__(self, other):
        if self is other:
            return True
        if not isinstance(other, TensorConstantSignature):
            return NotImplemented
        a, b = self.data, other.data
        if a.shape != b.shape or a.dtype != b.dtype or self.type != other.type:
            return False
        if a is b:
            return True
        if a.nbytes <= self._HASHED_WHOLE:
            return self._content() == other._content()
        return hash(self) == hash(other) and a.tobytes() == b.tobytes()

    def __ne__(self, other):
        equal = self.__eq__(other)
        return equal if equal is NotImplemented else not equal

    def pytensor_hash(self) -> str:
        """Return a hex digest of the data."""
        return hash_from_ndarray(self.data)


def get_unique_constant_value(x: TensorVariable) -> Number | None:
    """Return the value that all elements of the constant `x` have, or None."""
    return x.unique_value if isinstance(x, TensorConstant) else None


class TensorConstant(TensorVariable, Constant[_TensorTypeType], Generic[_TensorTypeType]):
    """An array known when the graph is built.

    Examples
    --------
    >>> pt.constant([1, 2]).data.tolist()
    [1, 2]
    """

    def __init__(self, type: _TensorTypeType, data, name=None):
        static = getattr(data, "shape", None)
        if static is not None and hasattr(type, "shape"):
            if len(static) != type.ndim:
                raise ValueError(
                    f"Shape of data ({tuple(static)}) does not match the type's ({type.shape})"
                )
            for have, want in zip(static, type.shape, strict=True):
                if want is not None and want != have:
                    raise ValueError(
                        f"Shape of data ({tuple(static)}) does not match the type's ({type.shape})"
                    )
            if None in type.shape:
                type = type.clone(shape=tuple(static))
        Constant.__init__(self, type, data, name)

    def signature(self) -> TensorConstantSignature:
        """Return what makes two constants the same one. Computed once."""
        signature = getattr(self.tag, "signature_cache", None)
        if signature is None or signature.data is not self.data:
            signature = TensorConstantSignature(self.type, self.data)
            self.tag.signature_cache = signature
        return signature

    @property
    def unique_value(self) -> Number | None:
        """The value that all elements have (a NumPy scalar array), or None. Computed once."""
        cached = getattr(self.tag, "unique_value_cache", None)
        if cached is None or cached[0] is not self.data:
            cached = (self.data, _unique_value(self.data))
            self.tag.unique_value_cache = cached
        return cached[1]

    def equals(self, other: Any) -> bool:
        """Whether `other` is a constant with the same type and data."""
        if isinstance(other, TensorConstant):
            return self.signature() == other.signature()
        if isinstance(other, (Number, np.ndarray, np.generic)):
            return bool(np.array_equal(self.data, other))
        return False

    def get_underlying_scalar_constant(self):
        value = self.unique_value
        if value is None:
            raise NotScalarConstantError()
        return value

    def __str__(self):
        if self.name is not None:
            return self.name
        return _shortened(str(self.data))

    def __repr__(self):
        return f"{type(self).__name__}({self.type!r}, data={_shortened(repr(self.data))})"

    def __deepcopy__(self, memo):
        # A deep copy is another graph that may do as it likes with its data.
        copied = type(self)(self.type, self.data.copy(), self.name)
        memo[id(self)] = copied
        return copied


def _shortened(text: str) -> str:
    text = " ".join(text.split("\n"))
    return text if len(text) <= 20 else f"{text[:10].rstrip()} ... {text[-10:].lstrip()}"


def _unique_value(data: np.ndarray):
    if data.size == 0:
        return None
    flat = data.reshape(-1) if data.ndim else data[None]
    first = flat[0]
    if data.size > 1:
        if flat[-1] != first and first == first:
            return None
        # Compared as bytes, so that [NaN, NaN] is unique and [0., -0.] is not.
        width = data.dtype.itemsize
        rows = np.ascontiguousarray(flat).view(np.uint8).reshape(data.size, width)
        if not (rows == rows[0]).all():
            return None
    return np.array(first, dtype=data.dtype)


class DenseVariableMeta(DenseTypeMeta):
    """Makes ``isinstance(v, DenseTensorVariable)`` mean "exactly a TensorVariable"."""

    def __instancecheck__(cls, o):
        return type(o) is TensorVariable or cls in type(o).__mro__

    def __subclasscheck__(cls, sub):
        return sub is TensorVariable or cls in sub.__mro__


class DenseTensorVariable(TensorVariable, metaclass=DenseVariableMeta):
    """A class for ``isinstance`` tests that exclude sparse and other derived variables."""


class DenseConstantMeta(DenseTypeMeta):
    """Makes ``isinstance(v, DenseTensorConstant)`` mean "exactly a TensorConstant"."""

    def __instancecheck__(cls, o):
        return type(o) is TensorConstant or cls in type(o).__mro__

    def __subclasscheck__(cls, sub):
        return sub is TensorConstant or cls in sub.__mro__


class DenseTensorConstant(TensorConstant, metaclass=DenseConstantMeta):
    """A class for ``isinstance`` tests that exclude sparse and other derived constants."""


TensorType.variable_type = TensorVariable
TensorType.constant_type = TensorConstant
