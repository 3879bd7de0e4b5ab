"""Older names: C is registered by backends, no rewrite chooses it any more."""

from pytensor.tensor.rewriting.blas_names import (
    CGemv,
    CGer,
    blas_optdb,
    cgemv_inplace,
    cgemv_no_inplace,
    cger_inplace,
    cger_no_inplace,
    gemv_inplace,
    gemv_no_inplace,
    ger,
    ger_destructive,
    make_c_gemv_destructive,
    make_c_ger_destructive,
    optdb,
    use_c_gemv,
    use_c_ger,
)

__all__ = [
    "CGemv",
    "CGer",
    "blas_optdb",
    "cgemv_inplace",
    "cgemv_no_inplace",
    "cger_inplace",
    "cger_no_inplace",
    "gemv_inplace",
    "gemv_no_inplace",
    "ger",
    "ger_destructive",
    "make_c_gemv_destructive",
    "make_c_ger_destructive",
    "optdb",
    "use_c_gemv",
    "use_c_ger",
]
