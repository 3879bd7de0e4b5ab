"""Sparse matrices: SciPy's formats csr and csc as types, their products and derivatives.

type        the type; variable, sharedvar: what operators and methods do
basic       making, taking apart, arranging, indexing
math        element by element, sums and products
"""

from pytensor.sparse import sharedvar
from pytensor.sparse.basic import *
from pytensor.sparse.basic import _is_sparse as _is_sparse
from pytensor.sparse.math import *
from pytensor.sparse.sharedvar import sparse_constructor as shared
from pytensor.sparse.type import SparseTensorType
from pytensor.sparse.variable import SparseConstant, SparseVariable
