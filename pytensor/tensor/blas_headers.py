"""Older path of the C header of Fortran BLAS, which is a file now."""

from pytensor.tensor.blas import blas_header_text, blas_header_version

__all__ = ["blas_header_text", "blas_header_version"]
