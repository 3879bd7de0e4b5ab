"""Types that are not arrays but travel with them: None and slices."""

from __future__ import annotations

import numpy as np

from pytensor.graph.basic import Apply, Constant, Variable
from pytensor.graph.null_type import disconnected_type
from pytensor.graph.op import Op
from pytensor.graph.type import Type
from pytensor.scalar.basic import ScalarType
from pytensor.tensor._convert import _as_tensor_variable, as_tensor_variable
from pytensor.tensor.type import integer_dtypes

__all__ = ["NoneConst", "NoneSliceConst", "make_slice", "none_type_t", "slicetype"]


class NoneTypeT(Type):
    """The type whose only value is None.

    Examples
    --------
    >>> none_type_t.filter(None) is None, NoneConst.type == none_type_t
    (True, True)
    """

    def filter(self, x, strict=False, allow_downcast=None):
        if x is None:
            return x
        raise TypeError(f"NoneType expected None, got {type(x)}")

    def __eq__(self, other):
        return type(self) is type(other)

    def __hash__(self):
        return hash(type(self))

    def __str__(self):
        return "NoneTypeT"

    @staticmethod
    def may_share_memory(a, b):
        # None is immutable.
        return False


class NoneConstant(Constant):
    """None as a variable; `NoneConst` pickles and copies to itself, its clones as other constants."""

    def signature(self):
        return (self.type, None)

    def __reduce_ex__(self, protocol):
        return "NoneConst" if self is NoneConst else super().__reduce_ex__(protocol)

    def __copy__(self):
        return self

    def __deepcopy__(self, memo):
        return self


none_type_t = NoneTypeT()
NoneConst = NoneConstant(none_type_t, None, name="NoneConst")


class SliceType(Type):
    """Python slices.

    Examples
    --------
    >>> slicetype.filter(slice(0, 2))
    slice(0, 2, None)
    """

    def filter(self, x, strict=False, allow_downcast=None):
        if isinstance(x, slice):
            return x
        raise TypeError(f"Expected a slice, got {type(x)}")

    def clone(self, **kwargs):
        return type(self)()

    def __str__(self):
        return "slice"

    def __eq__(self, other):
        return type(self) is type(other)

    def __hash__(self):
        return hash(type(self))

    @staticmethod
    def may_share_memory(a, b):
        # Slices of numbers are immutable.
        return False


slicetype = SliceType()


class SliceConstant(Constant):
    """A slice whose parts are known: None or integers."""

    def __init__(self, type, data, name=None):
        if not isinstance(data, slice):
            raise TypeError(f"SliceConstant expected a slice, got {data!r}")
        parts = [_slice_part(part) for part in (data.start, data.stop, data.step)]
        super().__init__(type, slice(*parts), name)

    def signature(self):
        return (SliceConstant, self.data.start, self.data.stop, self.data.step)

    def __str__(self):
        parts = [
            "" if part is None else str(part)
            for part in (self.data.start, self.data.stop, self.data.step)
        ]
        return ":".join(parts if parts[2] else parts[:2])


def _slice_part(part):
    if part is None or isinstance(part, int):
        return part
    if isinstance(part, (np.integer, np.ndarray)) and np.ndim(part) == 0:
        return int(part)
    raise TypeError(f"a constant slice needs integers or None, got {part!r}")


SliceType.constant_type = SliceConstant
NoneSliceConst = SliceConstant(slicetype, slice(None))


def as_int_none_variable(x):
    """Return `x` as an integer variable, or NoneConst for None."""
    if x is None:
        return NoneConst
    if isinstance(x, Variable) and isinstance(x.type, NoneTypeT):
        return x
    if isinstance(x, Variable) and isinstance(x.type, ScalarType):
        var = x
    else:
        var = as_tensor_variable(x, ndim=0)
    if var.type.dtype not in integer_dtypes:
        raise TypeError(f"index must be an integer, got {var} of dtype {var.type.dtype}")
    return var


class MakeSlice(Op):
    """``slice(start, stop, step)`` of symbolic parts.

    Examples
    --------
    >>> n = pt.lscalar("n")
    >>> pt.arange(5)[make_slice(0, n)].eval({n: 2}).tolist()
    [0, 1]
    """

    __props__ = ()

    def make_node(self, slc, stop=None, step=None):
        if isinstance(slc, slice):
            if stop is not None or step is not None:
                raise TypeError("[MakeSlice] takes a slice, or its parts, not both")
            slc, stop, step = slc.start, slc.stop, slc.step
        inputs = [as_int_none_variable(part) for part in (slc, stop, step)]
        return Apply(self, inputs, [slicetype()])

    def perform(self, node, inputs, output_storage):
        output_storage[0][0] = slice(*(None if x is None else int(x) for x in inputs))

    def connection_pattern(self, node):
        return [[False] for _ in node.inputs]

    def pullback(self, inputs, outputs, cotangents):
        return [disconnected_type() for _ in inputs]

    def pushforward(self, inputs, outputs, tangents):
        return [disconnected_type()]


make_slice = MakeSlice()


def as_symbolic_slice(x, **kwargs):
    """Return the slice `x` as a variable."""
    if not any(isinstance(part, Variable) for part in (x.start, x.stop, x.step)):
        return SliceConstant(slicetype, x)
    return make_slice(x)


def as_symbolic_None(x, **kwargs):
    """Return None as a variable."""
    return NoneConst


@_as_tensor_variable.register(type(None))
def _as_tensor_none(x, name, ndim, **kwargs):
    raise NotImplementedError("Cannot convert None to a tensor variable.")
