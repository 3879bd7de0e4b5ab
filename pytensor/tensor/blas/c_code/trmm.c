/* Trmm: z <- alpha T x + beta z for a triangle T, with half the multiplications of a gemm.
 *
 * Zeros are multiplied too, so far as anybody can see: where x is not finite, all of a product is computed.
 * The library's trmm overwrites x and gains from about 64 rows and 32 columns on
 * (benchmarks/blas_triangular); below that it is a gemm, and for few columns the product of the rows above a
 * block's last one.
 */
#include "gemm_plan.h"
#include "triangle_view.h"

#ifndef ELEMENT /* compiled alone; a unit defines ELEMENT and lists the files it needs */
#define ELEMENT d
#include "loops.c"
#include "triangle_loops.c"
#include "gemv.c"
#include "gemm.c"
#endif

/* z <- alpha t x + beta z. */
BLAS_HELPER int NAME(multiply_rows)(const blas_env *env, REAL alpha, const matrix_view *t,
        const matrix_view *x, REAL beta, const matrix_view *z)
{
    if (z->cols != 1)
        return NAME(gemm)(env, alpha, t, x, beta, z);
    const vector_view from = {.data = x->data, .size = x->rows, .stride = x->row_stride};
    const vector_view to = {.data = z->data, .size = z->rows, .stride = z->row_stride};
    return NAME(gemv)(env, alpha, t, &from, beta, &to);
}

/* Blocks of rows, each without the columns that hold zeros for all of them. */
BLAS_OUTLINE int NAME(multiply_blocks)(const blas_env *env, REAL alpha, const triangle_view *t,
        const matrix_view *x, REAL beta, const matrix_view *z)
{
    const int64_t n = z->rows, block = n < 2 * TRMM_BLOCK ? n : TRMM_BLOCK;
    int status = BLAS_DONE;
    for (int64_t i = 0; !status && i < n; i += block) {
        const int64_t rows = n - i < block ? n - i : block;
        const int64_t first = t->lower ? 0 : i, cols = t->lower ? i + rows : n - i;
        const matrix_view part = submatrix(&t->view, i, rows, first, cols);
        const matrix_view from = submatrix(x, first, cols, 0, x->cols);
        const matrix_view to = submatrix(z, i, rows, 0, z->cols);
        status = NAME(multiply_rows)(env, alpha, &part, &from, beta, &to);
    }
    return status;
}

/* One vector, and the other triangle is not zero: gemv beside the diagonal, plain loops on it. */
BLAS_OUTLINE int NAME(trmv_blocks)(const blas_env *env, REAL alpha, const triangle_view *t,
        const matrix_view *x, REAL beta, const matrix_view *z)
{
    const matrix_view *v = &t->view;
    int status = BLAS_DONE;
    for (int64_t i = 0; !status && i < z->rows; i += TRMV_BLOCK) {
        const int64_t end = z->rows - i < TRMV_BLOCK ? z->rows : i + TRMV_BLOCK;
        const int64_t first = t->lower ? 0 : end, cols = t->lower ? i : z->rows - end;
        const matrix_view beside = submatrix(v, i, end - i, first, cols);
        const matrix_view from = submatrix(x, first, cols, 0, 1), to = submatrix(z, i, end - i, 0, 1);
        status = NAME(multiply_rows)(env, alpha, &beside, &from, beta, &to);
        for (int64_t k = i; k < end; k++) {
            const int64_t j = t->lower ? i : k, count = t->lower ? k + 1 - i : end - k;
            const REAL sum = NAME(short_dot)(v->data + k * v->row_stride + j * v->col_stride, v->col_stride,
                    x->data + j * x->row_stride, x->row_stride, count);
            NAME(accumulate)(z->data + k * z->row_stride, alpha, sum, NAME(real)(1.0));
        }
    }
    return status;
}

/* The library's trmm: w <- alpha T w, in place. */
BLAS_HELPER void NAME(call_trmm)(const blas_env *env, REAL alpha, const triangle_view *t, char layout,
        blas_int ld, const matrix_view *w, bool by_rows, blas_int ldw)
{
    trmm_fn *const trmm = (trmm_fn *)ROUTINE(env, trmm);
    const bool flipped = layout == 'T';
    const blas_int m = (blas_int)(by_rows ? w->cols : w->rows), n = (blas_int)(by_rows ? w->rows : w->cols);
    trmm(by_rows ? "R" : "L", t->lower == flipped ? "U" : "L", flipped == by_rows ? "N" : "T", "N", &m, &n,
            &alpha, t->view.data, &ld, w->data, &ldw);
}

/* Large products. The result is made in z if nothing is to be added to. */
BLAS_OUTLINE int NAME(large_trmm)(const blas_env *env, REAL alpha, const triangle_view *t,
        const matrix_view *x, REAL beta, const matrix_view *z)
{
    const int64_t itemsize = (int64_t)sizeof(REAL);
    const matrix_view z_transposed = transposed(z);
    int64_t bytes = 0;
    const operand_form form = operand_to_read(&t->view, false, itemsize, IS_COMPLEX, &bytes);
    blas_int ldw = (blas_int)at_least_one(z->cols);
    bool by_rows = is_by_columns(&z_transposed, itemsize, IS_COMPLEX, &ldw);
    const bool direct = NAME(equals)(beta, 0.0) && (by_rows || is_by_columns(z, itemsize, IS_COMPLEX, &ldw));
    const int64_t at = bytes;
    if (!direct)
        bytes += packed_bytes(z->rows * z->cols, itemsize);
    char *const scratch = bytes ? env->scratch(env->owner, bytes) : NULL;
    if (bytes && !scratch)
        return BLAS_NO_MEMORY;
    triangle_view ready = *t;
    use_copy(&ready.view, &form, scratch, itemsize);
    matrix_view w = *z;
    if (!direct) {
        by_rows = true;
        ldw = (blas_int)at_least_one(z->cols);
        w = (matrix_view){scratch + at, z->rows, z->cols, ldw * itemsize, itemsize, false};
    }
    copy_matrix(&w, x, itemsize);
    NAME(call_trmm)(env, alpha, &ready, form.trans, form.ld, &w, by_rows, ldw);
    if (direct)
        return BLAS_DONE;
    NAME(scale_matrix)(beta, z);
    for (int64_t i = 0; i < z->rows; i++)
        NAME(axpy_line)
    (NAME(real)(1.0), w.data + i * w.row_stride, w.col_stride, z->data + i * z->row_stride, z->col_stride,
            z->cols);
    return BLAS_DONE;
}

/* T with its zeros, as a matrix of its own. */
BLAS_OUTLINE bool NAME(with_zeros)(const blas_env *env, triangle_view *t)
{
    const int64_t itemsize = (int64_t)sizeof(REAL);
    char *const scratch = env->scratch(env->owner, packed_bytes(t->view.rows * t->view.cols, itemsize));
    if (!scratch)
        return false;
    t->view = packed_copy(&t->view, scratch, itemsize);
    NAME(clear_triangle)(t->lower, &t->view);
    return true;
}

/* A copy of an operand that shares memory with the output. */
BLAS_OUTLINE bool NAME(pack_shared)(const blas_env *env, matrix_view *v, const matrix_view *z)
{
    const int64_t itemsize = (int64_t)sizeof(REAL);
    if (!overlap(matrix_range(v, itemsize), matrix_range(z, itemsize)))
        return true;
    char *const scratch = env->scratch(env->owner, packed_bytes(v->rows * v->cols, itemsize));
    if (scratch)
        *v = packed_copy(v, scratch, itemsize);
    return scratch;
}

/* `zeroed`: the other triangle of T's matrix holds zeros and may be read. A trapezoid gets its zeros and is
 * multiplied as any matrix. */
BLAS_HELPER int NAME(trmm)(const blas_env *env, REAL alpha, const triangle_view *t, bool zeroed,
        const matrix_view *x_view, REAL beta, const matrix_view *z)
{
    triangle_view ready = *t;
    matrix_view own = *x_view;
    const matrix_view *const x = &own;
    if (t->view.rows != z->rows || t->view.cols != x->rows || x->cols != z->cols)
        return BLAS_SHAPE;
    if (z->rows == 0 || z->cols == 0)
        return BLAS_DONE;
    if (x->rows == 0 || NAME(equals)(alpha, 0.0)) {
        NAME(scale_matrix)(beta, z);
        return BLAS_DONE;
    }
    const bool square = t->view.rows == t->view.cols;
    const bool large = square && z->rows >= TRMM_ROWS && z->cols >= TRMM_COLUMNS;
    if (zeroed && !large && (!square || z->rows < 2 * TRMM_BLOCK))
        return NAME(multiply_rows)(env, alpha, &t->view, x, beta, z);
    if (!NAME(pack_shared)(env, &ready.view, z) || !NAME(pack_shared)(env, &own, z))
        return BLAS_NO_MEMORY;
    const matrix_view factor = {(char *)&alpha, 1, 1, 0, 0, false};
    const bool finite = NAME(is_finite)(x) && NAME(is_finite)(&factor);
    if (finite && square && z->cols == 1 && !zeroed)
        return NAME(trmv_blocks)(env, alpha, &ready, x, beta, z);
    if (finite && large && ROUTINE(env, trmm) && z->rows <= BLAS_INT_LIMIT && z->cols <= BLAS_INT_LIMIT)
        return NAME(large_trmm)(env, alpha, &ready, x, beta, z);
    if (!zeroed && !NAME(with_zeros)(env, &ready))
        return BLAS_NO_MEMORY;
    if (finite && square)
        return NAME(multiply_blocks)(env, alpha, &ready, x, beta, z);
    return NAME(multiply_rows)(env, alpha, &ready.view, x, beta, z);
}
