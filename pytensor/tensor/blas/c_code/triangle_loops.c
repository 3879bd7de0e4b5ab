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

/* Are all elements finite? */
BLAS_LOOPS bool NAME(is_finite)(const matrix_view *v)
{
    REAL sum = NAME(real)(0.0);
    const REAL zero = NAME(real)(0.0);
    for (int64_t i = 0; i < v->rows; i++)
        for (int64_t j = 0; j < v->cols; j++)
            sum = NAME(add)(
                    sum, NAME(mul)(zero, NAME(load)(v->data + i * v->row_stride + j * v->col_stride)));
    return NAME(equals)(sum, 0.0);
}
