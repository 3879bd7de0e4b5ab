"""Special functions: one name for what is declared in several files."""

from pytensor.scalar.bessel import *  # noqa: F403
from pytensor.scalar.error_functions import *  # noqa: F403
from pytensor.scalar.gamma_functions import *  # noqa: F403
from pytensor.scalar.incomplete import *  # noqa: F403
