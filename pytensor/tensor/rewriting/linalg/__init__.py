"""The laws of linear algebra: from the structure of a matrix to the routine that uses it.

utils           seeing Ops with a batch or without, building their results
inverse         no inverse where a solution will do
systems         what holds for systems of every kind, and those with triangles
solvers         general systems by the structure of their matrix
summary         determinants and their logarithms, traces
cholesky        Cholesky factors of what is factorized already
decomposition   other factorizations of what is factorized already
products        block-diagonal and Kronecker products, products with orthogonal matrices
reuse           LU and Cholesky factors that several nodes share
"""
