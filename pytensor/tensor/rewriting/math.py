# ruff: noqa: F401, F403  (a facade: names are imported to be exported)
"""Rules about mathematics on arrays.

A facade: sums and products are in ``algebraic``, logarithms and exponentials in
``stabilize``, functions of their inverses in ``inverses``, powers and signs in ``arithmetic``,
reductions in ``reductions``, comparisons in ``comparisons``.
"""

from pytensor.tensor.rewriting.algebraic import local_add_canonizer, local_mul_canonizer
from pytensor.tensor.rewriting.arithmetic import *
from pytensor.tensor.rewriting.comparisons import *
from pytensor.tensor.rewriting.dots import *
from pytensor.tensor.rewriting.forms import is_exp, is_mul, is_neg, isclose, scalarconsts_rest
from pytensor.tensor.rewriting.inverses import *
from pytensor.tensor.rewriting.reductions import *
from pytensor.tensor.rewriting.stabilize import *
