"""Element-by-element Ops and reductions: the public face of ``_elemwise`` and its neighbours."""

from __future__ import annotations

import pytensor.scalar.basic as ps
import pytensor.scalar.math as ps_math
from pytensor.tensor._array_function import array_function
from pytensor.tensor._careduce import (
    CAReduce,
    FixedOpCAReduce,
    get_normalized_batch_axes,
    vectorize_careduce,
)
from pytensor.tensor._dimshuffle import DimShuffle, dimshuffle, vectorize_dimshuffle
from pytensor.tensor._elemwise import Elemwise, elemwise_of, vectorize_elemwise
from pytensor.utils import late

scalar_identity = elemwise_of(ps.identity)


def scalar_elemwise(*symbol, nfunc=None, nin=None, nout=None, symbolname=None):
    """Replace a function by the `Elemwise` of the scalar Op with the function's name.

    A name that ends in ``_inplace`` gives the Op that works in its first input's memory.

    Parameters
    ----------
    nfunc, nin, nout
        Name of the NumPy function with the same meaning and its numbers of inputs and outputs.
    symbolname
        Name of the scalar Op, if it is not the function's.

    Examples
    --------
    >>> @scalar_elemwise
    ... def sqrt(a):
    ...     "Square root."
    >>> sqrt
    Elemwise(scalar_op=sqrt, inplace_pattern={})
    """

    def construct(function):
        name = symbolname or function.__name__
        inplace = name.endswith("_inplace")
        base = name.removesuffix("_inplace")
        scalar_op = getattr(ps, base, None) or getattr(ps_math, base)
        spec = (nfunc, nin, nout) if nfunc is not None else None
        if inplace:
            scalar_op = scalar_op.__class__(ps.transfer_type(0))
            op = Elemwise(scalar_op, {0: 0}, nfunc_spec=spec)
        else:
            # Not the one that others share: it has a name and a docstring of its own.
            op = Elemwise(scalar_op, nfunc_spec=spec)
        op.__doc__ = function.__doc__
        op.__name__ = function.__name__
        return op

    if symbol:
        return construct(symbol[0])
    return construct


__all__ = [
    "CAReduce",
    "DimShuffle",
    "Elemwise",
    "FixedOpCAReduce",
    "array_function",
    "dimshuffle",
    "elemwise_of",
    "get_normalized_batch_axes",
    "scalar_elemwise",
    "scalar_identity",
    "vectorize_careduce",
    "vectorize_dimshuffle",
    "vectorize_elemwise",
]


def __getattr__(name: str):
    # Printing is a room above this one; the name is here for programs written for PyTensor
    if name == "DimShufflePrinter":
        return late("pytensor.printing.standard:DimShufflePrinter")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
