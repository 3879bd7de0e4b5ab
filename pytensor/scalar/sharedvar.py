"""Shared variables that hold one number and enter graphs as scalars."""

from __future__ import annotations

import numpy as np

from pytensor.compile.sharedvalue import SharedVariable
from pytensor.scalar.type import get_scalar_type
from pytensor.scalar.variable import _scalar_py_operators


class ScalarSharedVariable(_scalar_py_operators, SharedVariable):
    """A number kept between calls of compiled functions."""


def shared(value, name=None, strict=False, allow_downcast=None):
    """Return a shared scalar for a NumPy scalar or a Python number.

    `pytensor.shared` makes tensors without dimensions; this is for scalar graphs.
    """
    if not isinstance(value, np.number | float | int | complex):
        raise TypeError(f"[shared] value must be a number, got {type(value).__name__}")
    dtype = value.dtype.name if isinstance(value, np.number) else np.asarray(value).dtype.name
    return ScalarSharedVariable(
        type=get_scalar_type(dtype),
        value=get_scalar_type(dtype).numpy_dtype.type(value),
        name=name,
        strict=strict,
        allow_downcast=allow_downcast,
    )
