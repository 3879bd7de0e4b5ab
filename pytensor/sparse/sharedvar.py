"""Shared variables that hold sparse matrices."""

import copy

import scipy.sparse

from pytensor.compile.sharedvalue import SharedVariable, shared_constructor
from pytensor.sparse.type import SparseTensorType
from pytensor.sparse.variable import SparseVariable

__all__ = ["SparseTensorSharedVariable", "sparse_constructor"]


class SparseTensorSharedVariable(SharedVariable, SparseVariable):
    """A sparse matrix that keeps its value between calls, and that functions can update."""

    format = SparseVariable.format


@shared_constructor.register(scipy.sparse.spmatrix)
@shared_constructor.register(scipy.sparse.sparray)
def sparse_constructor(
    value, name=None, strict=False, allow_downcast=None, borrow=False, format=None
):
    """Make a `SparseTensorSharedVariable`.

    Parameters
    ----------
    value : sparse matrix of SciPy
    format : {"csr", "csc", "bsr"}, optional
        That of the value if not given; csr for other formats.
    borrow : bool
        Use `value` itself instead of a copy.

    Examples
    --------
    >>> import scipy.sparse
    >>> shared = sparse_constructor(scipy.sparse.csr_matrix([[0.0, 2.0]]), name="weights")
    >>> shared, shared.type.format
    (weights, 'csr')
    """
    if format is None:
        format = value.format if value.format in SparseTensorType.format_cls else "csr"
    of_type = SparseTensorType(format=format, dtype=value.dtype.name)
    return SparseTensorSharedVariable(
        type=of_type,
        value=value if borrow else copy.deepcopy(value),
        strict=strict,
        allow_downcast=allow_downcast,
        name=name,
    )
