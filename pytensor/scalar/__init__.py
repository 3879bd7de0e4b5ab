"""Numbers: their types, and one declaration for every operation on them."""

from pytensor.scalar import basic, loop, math
from pytensor.scalar.basic import *
from pytensor.scalar.basic import _scalar_py_operators
from pytensor.scalar.loop import ScalarLoop
from pytensor.scalar.math import *
