"""Shared variables that hold arrays."""

from __future__ import annotations

import numpy as np

from pytensor.compile.sharedvalue import SharedVariable, shared, shared_constructor
from pytensor.tensor.type import TensorType, _canonical_dim
from pytensor.tensor.utils import is_masked
from pytensor.tensor.variable import TensorVariable

__all__ = ["SharedVariable", "TensorSharedVariable", "load_shared_variable", "shared"]


class TensorSharedVariable(SharedVariable, TensorVariable):
    """An array that keeps its value between calls, and that functions can update."""

    def zero(self, borrow: bool = False):
        """Set all elements to zero.

        Parameters
        ----------
        borrow : bool
            True: overwrite the array in use. False: put a new array in its place.
        """
        if borrow:
            self.container.value[...] = 0
        else:
            self.container.value = np.zeros_like(self.container.value)


def load_shared_variable(val):
    """Make a shared variable; what pickles of old versions call."""
    return tensor_constructor(val)


@shared_constructor.register(np.ndarray)
def tensor_constructor(
    value,
    name=None,
    strict=False,
    allow_downcast=None,
    borrow=False,
    shape=None,
    broadcastable=None,
):
    """Make a `TensorSharedVariable`.

    Parameters
    ----------
    value : ndarray
    shape : tuple, optional
        Static shape; nothing is assumed about lengths by default, so that the value may be replaced
        by one of another shape.
    borrow : bool
        Use `value` itself instead of a copy.
    """
    if is_masked(value):
        raise NotImplementedError("MaskedArrays are not supported")
    shape = broadcastable if shape is None else shape
    static = (None,) * value.ndim if shape is None else tuple(map(_canonical_dim, shape))
    return TensorSharedVariable(
        type=TensorType(value.dtype, shape=static),
        value=value if borrow else np.array(value, copy=True),
        strict=strict,
        allow_downcast=allow_downcast,
        name=name,
    )


@shared_constructor.register(int)
@shared_constructor.register(float)
@shared_constructor.register(complex)
@shared_constructor.register(np.number)
@shared_constructor.register(np.bool_)
def scalar_constructor(value, name=None, strict=False, allow_downcast=None, borrow=False):
    """Make a 0-d `TensorSharedVariable` of a number, with NumPy's dtype for it."""
    array = np.array(value, copy=True)
    return TensorSharedVariable(
        type=TensorType(array.dtype, shape=()),
        value=array,
        strict=strict,
        allow_downcast=allow_downcast,
        name=name,
    )
