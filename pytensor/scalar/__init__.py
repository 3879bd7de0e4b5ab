"""Numbers: their types, and one declaration for every operation on them."""

from types import ModuleType as _ModuleType

from pytensor.scalar import basic, loop, math, sharedvar
from pytensor.scalar.basic import *
from pytensor.scalar.basic import _scalar_py_operators
from pytensor.scalar.loop import ScalarLoop
from pytensor.scalar.math import *

# Submodules stay out: `type` and `math` would hide what others mean by these names.
__all__ = [
    name
    for name, value in globals().items()
    if not name.startswith("_") and not isinstance(value, _ModuleType)
]
