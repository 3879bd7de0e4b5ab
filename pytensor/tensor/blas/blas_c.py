"""Older names: the Ops with C code of their own are now the plain Ops, their C is a backend's."""

from pytensor.graph.op import Op
from pytensor.tensor.blas.gemv import Gemv, gemv_inplace, gemv_no_inplace
from pytensor.tensor.blas.ger import Ger, ger, ger_destructive

__all__ = [
    "BaseBLAS",
    "CGemv",
    "CGer",
    "cgemv_inplace",
    "cgemv_no_inplace",
    "cger_inplace",
    "cger_no_inplace",
    "must_initialize_y_gemv",
    "must_initialize_y_gemv_c",
]

BaseBLAS = Op
CGemv = Gemv
CGer = Ger
cgemv_inplace = gemv_inplace
cgemv_no_inplace = gemv_no_inplace
cger_inplace = ger_destructive
cger_no_inplace = ger


def must_initialize_y_gemv() -> bool:
    """Whether gemv's output must be set to zero before a call with ``beta = 0``.

    Never by the caller: the C helpers make sure themselves that the old output isn't read.
    """
    return False


must_initialize_y_gemv_c = must_initialize_y_gemv
