/* A triangle of a matrix of any layout. */
#ifndef PYTENSOR_BLAS_TRIANGLE_VIEW_H
#define PYTENSOR_BLAS_TRIANGLE_VIEW_H

#include "matrix_view.h"

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
