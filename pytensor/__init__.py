"""Array expressions in Python, compiled; matrix products become BLAS calls by themselves."""
