/* Plain loops over a matrix or one of its triangles, for any stride and alignment. */
#include "matrix_view.h"

#ifndef ELEMENT /* compiled alone; a unit defines ELEMENT and lists the files it needs */
#define ELEMENT d
#endif

BLAS_OUTLINE void NAME(fill_matrix)(REAL value, const matrix_view *z)
{
    for (int64_t i = 0; i < z->rows; i++)
        for (int64_t j = 0; j < z->cols; j++)
            NAME(store)(z->data + i * z->row_stride + j * z->col_stride, value);
}

/* The triangle above the diagonal (or below it) becomes zero. */
BLAS_OUTLINE void NAME(clear_triangle)(bool above, const matrix_view *z)
{
    const REAL zero = NAME(real)(0.0);
    for (int64_t i = 0; i < z->rows; i++) {
        const int64_t end = above ? z->cols : i < z->cols ? i : z->cols;
        for (int64_t j = above ? i + 1 : 0; j < end; j++)
            NAME(store)(z->data + i * z->row_stride + j * z->col_stride, zero);
    }
}

BLAS_OUTLINE void NAME(conjugate_matrix)(const matrix_view *z)
{
    for (int64_t i = 0; i < z->rows; i++)
        for (int64_t j = 0; j < z->cols; j++)
            conjugate_line(z->data + i * z->row_stride + j * z->col_stride, 1, (int64_t)sizeof(REAL));
}

/* Is any of these real or imaginary parts NaN or infinite? */
BLAS_LOOPS int NAME(strange_parts)(const char *line, int64_t stride, int64_t n)
{
    int strange = 0;
    for (int64_t i = 0; i < n; i++) {
        NAME(part) v;
        memcpy(&v, line + i * stride, sizeof v);
        strange |= v * 0 != 0;
    }
    return strange;
}

/* Are all elements finite? */
BLAS_OUTLINE bool NAME(is_finite)(const matrix_view *m)
{
    const int64_t itemsize = (int64_t)sizeof(REAL), part = (int64_t)sizeof(NAME(part));
    const matrix_view v = m->row_stride == itemsize && m->col_stride != itemsize ? transposed(m) : *m;
    for (int64_t i = 0; i < v.rows; i++) {
        const char *const line = v.data + i * v.row_stride;
        if (v.col_stride == itemsize
                        ? NAME(strange_parts)(line, part, v.cols * (itemsize / part))
                        : NAME(strange_parts)(line, v.col_stride, v.cols) ||
                                  NAME(strange_parts)(line + itemsize - part, v.col_stride, v.cols))
            return false;
    }
    return true;
}

/* The product of two short lines; four sums, for the processor does not wait for any of them. */
BLAS_LOOPS REAL NAME(short_dot)(const char *x, int64_t x_stride, const char *y, int64_t y_stride, int64_t n)
{
    REAL sum[4] = {NAME(real)(0.0), NAME(real)(0.0), NAME(real)(0.0), NAME(real)(0.0)};
    int64_t i = 0;
    for (; i + 4 <= n; i += 4)
        for (int64_t k = 0; k < 4; k++)
            sum[k] = NAME(add)(sum[k],
                    NAME(mul)(NAME(load)(x + (i + k) * x_stride), NAME(load)(y + (i + k) * y_stride)));
    for (; i < n; i++)
        sum[0] = NAME(add)(sum[0], NAME(mul)(NAME(load)(x + i * x_stride), NAME(load)(y + i * y_stride)));
    return NAME(add)(NAME(add)(sum[0], sum[1]), NAME(add)(sum[2], sum[3]));
}
