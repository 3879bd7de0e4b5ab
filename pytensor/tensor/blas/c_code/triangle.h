/* One triangle of a symmetric or Hermitian matrix, and how the whole is made of it. */
#ifndef PYTENSOR_BLAS_TRIANGLE_H
#define PYTENSOR_BLAS_TRIANGLE_H

#include <stdbool.h>

/* Elements are moved in tiles, so that going down a column does not miss the cache on every one. */
enum { TRIANGLE_TILE = 32 };

/* Where gemm is faster than the library's syrk (OpenBLAS 0.3.30, benchmarks/blas_helpers): few rows, and few
 * columns when the old output is to be added in a pass of its own. */
enum { SYRK_FEW_ROWS = 16, SYRK_MANY_COLUMNS = 64, SYRK_FEW_COLUMNS = 32 };

typedef struct {
    bool hermitian;
    bool conjugate; /* the triangle holds the conjugates of what is wanted */
} triangle_form;

#endif
