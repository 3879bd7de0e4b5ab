/* Gemv: y <- alpha a x + beta y, for any layout of the three. */
#include "gemm_plan.h"

#ifndef ELEMENT /* compiled alone; a unit defines ELEMENT and lists the files it needs */
#define ELEMENT d
#include "loops.c"
#endif

#include "rows.c"

#ifndef BLAS_SMALL_GEMV
#define BLAS_SMALL_GEMV 64
#endif

/* Plain loops, for small products and for matrices without a contiguous axis: a copy would cost more. */
BLAS_LOOPS void NAME(plain_gemv)(
        REAL alpha, const matrix_view *a, const vector_view *x, REAL beta, const vector_view *y)
{
    const int64_t down = a->row_stride < 0 ? -a->row_stride : a->row_stride;
    const int64_t across = a->col_stride < 0 ? -a->col_stride : a->col_stride;
    if (across <= down || a->rows * a->cols <= BLAS_SMALL_GEMV) {
        for (int64_t i = 0; i < a->rows; i++) {
            const REAL sum =
                    NAME(dot_line)(a->data + i * a->row_stride, a->col_stride, x->data, x->stride, x->size);
            NAME(accumulate)(y->data + i * y->stride, alpha, sum, beta);
        }
        return;
    }
    NAME(scale_line)(beta, y->data, y->stride, y->size);
    for (int64_t j = 0; j < a->cols; j++) {
        const REAL scale = NAME(mul)(alpha, NAME(load)(x->data + j * x->stride));
        NAME(axpy_line)(scale, a->data + j * a->col_stride, a->row_stride, y->data, y->stride, y->size);
    }
}

BLAS_HELPER void NAME(call_gemv)(const blas_env *env, char layout, blas_int ld, REAL alpha,
        const matrix_view *a, const vector_view *x, blas_int incx, REAL beta, const vector_view *y,
        blas_int incy)
{
    gemv_fn *const gemv = (gemv_fn *)ROUTINE(env, gemv);
    const bool by_columns = layout == 'N';
    const char trans = by_columns ? 'N' : a->conj ? 'C' : 'T';
    const blas_int m = (blas_int)(by_columns ? a->rows : a->cols),
                   n = (blas_int)(by_columns ? a->cols : a->rows);
    if (NAME(equals)(beta, 0.0))
        NAME(scale_line)(beta, y->data, y->stride, y->size);
    gemv(&trans, &m, &n, &alpha, a->data, &ld, vector_start(x), &incx, &beta, vector_start(y), &incy);
}

BLAS_OUTLINE bool NAME(pack_vector)(const blas_env *env, vector_view *v, blas_int *inc)
{
    const int64_t itemsize = (int64_t)sizeof(REAL);
    char *const scratch = env->scratch(env->owner, packed_bytes(v->size, itemsize));
    if (!scratch)
        return false;
    *v = packed_vector(v, scratch, itemsize);
    *inc = 1;
    return true;
}

BLAS_OUTLINE int NAME(gemv_conjugated)(
        const blas_env *env, REAL alpha, matrix_view a, vector_view x, REAL beta, vector_view y);

/* One product whose sizes fit, with an output that BLAS can walk and that no operand shares. */
BLAS_HELPER int NAME(gemv_block)(
        const blas_env *env, REAL alpha, matrix_view a, vector_view x, REAL beta, vector_view y)
{
    const int64_t itemsize = (int64_t)sizeof(REAL);
    blas_int ld = 1, incx = 1, incy = 1;
    if (a.row_stride < 0) {
        flip_rows(&a);
        flip(&y);
    }
    if (a.col_stride < 0) {
        flip_cols(&a);
        flip(&x);
    }
    const char layout = matrix_layout(&a, itemsize, IS_COMPLEX, &ld);
    if (a.conj && layout != 'T')
        return NAME(gemv_conjugated)(env, alpha, a, x, beta, y);
    if (!a.conj && !x.conj && (!layout || a.rows * a.cols <= BLAS_SMALL_GEMV)) {
        NAME(plain_gemv)(alpha, &a, &x, beta, &y);
        return BLAS_DONE;
    }
    const bool walks = vector_increment(&x, itemsize, IS_COMPLEX, &incx) && !x.conj;
    if (!walks && !NAME(pack_vector)(env, &x, &incx))
        return BLAS_NO_MEMORY;
    if (!layout) {
        NAME(plain_gemv)(alpha, &a, &x, beta, &y);
        return BLAS_DONE;
    }
    vector_increment(&y, itemsize, IS_COMPLEX, &incy);
    NAME(call_gemv)(env, layout, ld, alpha, &a, &x, incx, beta, &y, incy);
    return BLAS_DONE;
}

/* gemv has no letter for the conjugate of a matrix stored by columns, but conj(a) x is the conjugate of
 * a conj(x), and vectors are short. */
BLAS_OUTLINE int NAME(gemv_conjugated)(
        const blas_env *env, REAL alpha, matrix_view a, vector_view x, REAL beta, vector_view y)
{
    const int64_t itemsize = (int64_t)sizeof(REAL);
    blas_int inc = 1;
    x.conj = !x.conj;
    if (!NAME(pack_vector)(env, &x, &inc))
        return BLAS_NO_MEMORY;
    if (!NAME(equals)(beta, 0.0))
        conjugate_vector(&y, itemsize);
    a.conj = false;
    const int status = NAME(gemv_block)(env, NAME(conj)(alpha), a, x, NAME(conj)(beta), y);
    conjugate_vector(&y, itemsize);
    return status;
}

/* The same product over blocks whose sizes fit BLAS_INT: one block, except for giants. */
BLAS_HELPER int NAME(gemv_blocks)(const blas_env *env, REAL alpha, const matrix_view *a, const vector_view *x,
        REAL beta, const vector_view *y)
{
    for (int64_t i = 0; i < a->rows; i += BLAS_INT_LIMIT)
        for (int64_t j = 0; j < a->cols; j += BLAS_INT_LIMIT) {
            const int64_t rows = within_limit(a->rows - i), cols = within_limit(a->cols - j);
            const int status = NAME(gemv_block)(env, alpha, submatrix(a, i, rows, j, cols),
                    subvector(x, j, cols), j ? NAME(real)(1.0) : beta, subvector(y, i, rows));
            if (status)
                return status;
        }
    return BLAS_DONE;
}

/* y <- alpha a x + beta y; a, x or both may ask for their conjugates. */
BLAS_HELPER int NAME(gemv)(const blas_env *env, REAL alpha, const matrix_view *a, const vector_view *x,
        REAL beta, const vector_view *y)
{
    const int64_t itemsize = (int64_t)sizeof(REAL);
    blas_int inc = 1;
    if (a->rows != y->size || a->cols != x->size)
        return BLAS_SHAPE;
    if (y->size == 0)
        return BLAS_DONE;
    if (NAME(equals)(alpha, 0.0) || x->size == 0) {
        NAME(scale_line)(beta, y->data, y->stride, y->size);
        return BLAS_DONE;
    }
    if (a->rows == 1) {
        const vector_view row = {a->data, a->cols, a->col_stride, a->conj};
        NAME(accumulate)(y->data, alpha, NAME(dot)(&row, x), beta);
        return BLAS_DONE;
    }
    const byte_range written = vector_range(y, itemsize);
    const bool shared =
            overlap(matrix_range(a, itemsize), written) || overlap(vector_range(x, itemsize), written);
    if (!shared && NAME(has_own_product)(a, x)) {
        NAME(own_product)(alpha, a, x, beta, y);
        return BLAS_DONE;
    }
    if (!shared && vector_increment(y, itemsize, IS_COMPLEX, &inc))
        return NAME(gemv_blocks)(env, alpha, a, x, beta, y);
    vector_view own = *y;
    if (!NAME(pack_vector)(env, &own, &inc))
        return BLAS_NO_MEMORY;
    const int status = NAME(gemv_blocks)(env, alpha, a, x, beta, &own);
    copy_line(y->data, y->stride, own.data, own.stride, own.size, itemsize);
    return status;
}
