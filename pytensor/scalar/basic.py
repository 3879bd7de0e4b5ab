"""Scalar types, variables and the basic operations, in one place.

The declarations are in files by subject; here they are gathered under the name users know.
"""

from __future__ import annotations

import builtins  # noqa: F401

from pytensor.graph.basic import Apply, Constant, Variable  # noqa: F401
from pytensor.graph.utils import MethodNotDefined  # noqa: F401
from pytensor.scalar.arithmetic import *  # noqa: F403
from pytensor.scalar.arithmetic import (  # noqa: F401
    Maximum as ScalarMaximum,
)
from pytensor.scalar.arithmetic import Minimum as ScalarMinimum  # noqa: F401
from pytensor.scalar.arithmetic import maximum as scalar_maximum  # noqa: F401
from pytensor.scalar.arithmetic import minimum as scalar_minimum  # noqa: F401
from pytensor.scalar.comparison import *  # noqa: F403
from pytensor.scalar.composite import Composite, ScalarInnerGraphOp  # noqa: F401
from pytensor.scalar.elementary import *  # noqa: F403
from pytensor.scalar.op import (  # noqa: F401
    BinaryBitOp,
    BinaryScalarOp,
    ComplexError,
    FixedLogicalComparison,
    IntegerDivisionError,
    LogicalComparison,
    ScalarOp,
    UnaryBitOp,
    UnaryScalarOp,
)
from pytensor.scalar.out_types import *  # noqa: F403
from pytensor.scalar.parts import *  # noqa: F403
from pytensor.scalar.parts import _cast_mapping  # noqa: F401
from pytensor.scalar.parts import abs as _abs  # noqa: F401
from pytensor.scalar.parts import abs as scalar_abs  # noqa: F401
from pytensor.scalar.type import *  # noqa: F403
from pytensor.scalar.type import as_common_dtype  # noqa: F401
from pytensor.scalar.variable import *  # noqa: F403
from pytensor.scalar.variable import _scalar_py_operators  # noqa: F401
