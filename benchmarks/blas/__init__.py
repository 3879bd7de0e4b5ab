"""Measurements of the BLAS subsystem against NumPy and SciPy's BLAS: ``python -m benchmarks.blas``."""
