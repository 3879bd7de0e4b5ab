/* A triangle of a matrix of any layout. */
#ifndef PYTENSOR_BLAS_TRIANGLE_VIEW_H
#define PYTENSOR_BLAS_TRIANGLE_VIEW_H

#include "matrix_view.h"

/* From how many rows and columns on the library's trmm gains (benchmarks/blas_triangular), and the blocks
 * that take its place for few columns and for one. */
enum { TRMM_ROWS = 64, TRMM_COLUMNS = 32, TRMM_BLOCK = 128, TRMV_BLOCK = 32 };

/* With `unit` the diagonal is 1 and not read. */
typedef struct {
    matrix_view view;
    bool lower, unit;
} triangle_view;

BLAS_HELPER triangle_view diagonal_block(const triangle_view *a, int64_t i, int64_t size)
{
    return (triangle_view){submatrix(&a->view, i, size, i, size), a->lower, a->unit};
}

#endif
