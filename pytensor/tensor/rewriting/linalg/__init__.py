"""The laws of linear algebra: from the structure of a matrix to the routine that uses it.

utils           seeing Ops with a batch or without, building their results
inverse         no inverse where a solution will do
solvers         solutions by structure; one factorization for all that need it
summary         determinants and their logarithms, traces
decomposition   factorizations of what is factorized already
products        block-diagonal and Kronecker products, products with orthogonal matrices
reuse           LU and Cholesky factors that several nodes share
"""
