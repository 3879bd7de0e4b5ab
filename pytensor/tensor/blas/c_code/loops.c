/* Plain loops for any stride and alignment: scaling an output, and products too small for a library call.
 *
 * Included by the routines' files, once per element type.
 */
#include "matrix_view.h"

#ifndef ELEMENT /* compiled alone; a unit defines ELEMENT and lists the files it needs */
#define ELEMENT d
#endif

/* y <- beta y. With beta = 0 the old values are not read, so NaN does not survive. */
BLAS_OUTLINE void NAME(scale_line)(REAL beta, char *y, int64_t stride, int64_t n)
{
    if (NAME(equals)(beta, 0.0)) {
        if (stride == (int64_t)sizeof(REAL)) {
            memset(y, 0, (size_t)n * sizeof(REAL));
            return;
        }
        for (int64_t i = 0; i < n; i++)
            memset(y + i * stride, 0, sizeof(REAL));
    } else if (!NAME(equals)(beta, 1.0)) {
        for (int64_t i = 0; i < n; i++)
            NAME(store)(y + i * stride, NAME(mul)(beta, NAME(load)(y + i * stride)));
    }
}

/* z <- beta z, along the axis that lies closest in memory. */
BLAS_OUTLINE void NAME(scale_matrix)(REAL beta, const matrix_view *z)
{
    if (NAME(equals)(beta, 1.0) || z->rows <= 0 || z->cols <= 0)
        return;
    const int64_t down = z->row_stride < 0 ? -z->row_stride : z->row_stride;
    const int64_t across = z->col_stride < 0 ? -z->col_stride : z->col_stride;
    const bool by_rows = z->rows <= 1 || (z->cols > 1 && across <= down);
    const matrix_view v = by_rows ? *z : transposed(z);
    if (v.rows > 1 && v.row_stride == v.cols * v.col_stride) {
        NAME(scale_line)(beta, v.data, v.col_stride, v.rows * v.cols);
        return;
    }
    for (int64_t i = 0; i < v.rows; i++)
        NAME(scale_line)(beta, v.data + i * v.row_stride, v.col_stride, v.cols);
}

BLAS_INLINE REAL NAME(dot_line)(const char *x, int64_t x_stride, const char *y, int64_t y_stride, int64_t n)
{
    REAL sum = NAME(real)(0.0);
    for (int64_t i = 0; i < n; i++)
        sum = NAME(add)(sum, NAME(mul)(NAME(load)(x + i * x_stride), NAME(load)(y + i * y_stride)));
    return sum;
}

/* *z <- alpha sum + beta *z, reading *z only if beta is not 0. */
BLAS_INLINE void NAME(accumulate)(char *z, REAL alpha, REAL sum, REAL beta)
{
    REAL value = NAME(mul)(alpha, sum);
    if (!NAME(equals)(beta, 0.0))
        value = NAME(add)(value, NAME(mul)(beta, NAME(load)(z)));
    NAME(store)(z, value);
}

/* y <- y + alpha x. */
BLAS_INLINE void NAME(axpy_line)(
        REAL alpha, const char *x, int64_t x_stride, char *y, int64_t y_stride, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        const REAL product = NAME(mul)(alpha, NAME(load)(x + i * x_stride));
        NAME(store)(y + i * y_stride, NAME(add)(NAME(load)(y + i * y_stride), product));
    }
}

#include "dot.c"
