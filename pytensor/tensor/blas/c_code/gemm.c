/* Gemm: z <- alpha x y + beta z, for any layout of the three.
 *
 * A plan looks at the layouts once; a batch of products with the same layouts shares it. If z is stored by
 * rows, z' <- alpha y' x' + beta z' is what Fortran sees, so the plan speaks of c <- alpha a b + beta c with
 * c by columns.
 */
#include "gemm_plan.h"

#ifndef ELEMENT /* compiled alone; a unit defines ELEMENT and lists the files it needs */
#define ELEMENT d
#include "loops.c"
#include "gemv.c"
#endif

/* Below this many multiplications the library's own bookkeeping costs more than the product
 * (benchmarks/blas_helpers). */
#ifndef BLAS_SMALL_GEMM
#define BLAS_SMALL_GEMM 27
#endif

BLAS_OUTLINE void NAME(small_gemm)(
        REAL alpha, const matrix_view *a, const matrix_view *b, REAL beta, const matrix_view *c)
{
    for (int64_t j = 0; j < c->cols; j++)
        for (int64_t i = 0; i < c->rows; i++) {
            const REAL sum = NAME(dot_line)(a->data + i * a->row_stride, a->col_stride,
                    b->data + j * b->col_stride, b->row_stride, a->cols);
            NAME(accumulate)(c->data + i * c->row_stride + j * c->col_stride, alpha, sum, beta);
        }
}

BLAS_HELPER void NAME(call_gemm)(const blas_env *env, const gemm_plan *plan, REAL alpha, REAL beta)
{
    gemm_fn *const gemm = (gemm_fn *)ROUTINE(env, gemm);
    const blas_int m = (blas_int)plan->c.rows, n = (blas_int)plan->c.cols, k = (blas_int)plan->a.cols;
    gemm(&plan->a_form.trans, &plan->b_form.trans, &m, &n, &k, &alpha, plan->a.data, &plan->a_form.ld,
            plan->b.data, &plan->b_form.ld, &beta, plan->c.data, &plan->c_form.ld);
}

/* One product by the plan. The views in `plan` point at its data; `scratch` holds plan->bytes. */
BLAS_OUTLINE void NAME(run_gemm)(
        const blas_env *env, const gemm_plan *plan, char *scratch, REAL alpha, REAL beta)
{
    const int64_t itemsize = (int64_t)sizeof(REAL);
    gemm_plan ready = *plan;
    if (NAME(equals)(alpha, 0.0) || plan->a.cols == 0) {
        NAME(scale_matrix)(beta, &plan->c);
        return;
    }
    if (plan->small) {
        NAME(small_gemm)(alpha, &plan->a, &plan->b, beta, &plan->c);
        return;
    }
    use_copy(&ready.a, &ready.a_form, scratch, itemsize);
    use_copy(&ready.b, &ready.b_form, scratch, itemsize);
    if (ready.c_form.copy)
        ready.c = column_buffer(&plan->c, scratch + plan->c_form.offset, itemsize);
    if (NAME(equals)(beta, 0.0)) {
        if (BLAS_CLEARS_OUTPUT)
            NAME(scale_matrix)(beta, &ready.c);
    } else if (ready.c_form.copy) {
        copy_matrix(&ready.c, &plan->c, itemsize);
    }
    NAME(call_gemm)(env, &ready, alpha, beta);
    if (ready.c_form.copy)
        copy_matrix(&plan->c, &ready.c, itemsize);
}

/* The common case without a plan: z by rows, x and y by rows or columns, nothing shared. Says if it was that.
 */
BLAS_HELPER bool NAME(direct_gemm)(const blas_env *env, REAL alpha, const matrix_view *x,
        const matrix_view *y, REAL beta, const matrix_view *z)
{
    const int64_t itemsize = (int64_t)sizeof(REAL);
    const matrix_view c = transposed(z);
    const byte_range written = matrix_range(z, itemsize);
    blas_int ldx = 1, ldy = 1, ldz = 1;
    if (x->conj || y->conj || overlap(matrix_range(x, itemsize), written) ||
            overlap(matrix_range(y, itemsize), written))
        return false;
    if (z->rows * z->cols * x->cols <= BLAS_SMALL_GEMM) {
        NAME(small_gemm)(alpha, x, y, beta, z);
        return true;
    }
    if (!is_by_columns(&c, itemsize, IS_COMPLEX, &ldz))
        return false;
    const char x_layout = matrix_layout(x, itemsize, IS_COMPLEX, &ldx);
    const char y_layout = matrix_layout(y, itemsize, IS_COMPLEX, &ldy);
    if (!x_layout || !y_layout)
        return false;
    if (BLAS_CLEARS_OUTPUT && NAME(equals)(beta, 0.0))
        NAME(scale_matrix)(beta, z);
    gemm_fn *const gemm = (gemm_fn *)ROUTINE(env, gemm);
    const blas_int m = (blas_int)z->cols, n = (blas_int)z->rows, k = (blas_int)x->cols;
    gemm(y_layout == 'N' ? "T" : "N", x_layout == 'N' ? "T" : "N", &m, &n, &k, &alpha, y->data, &ldy, x->data,
            &ldx, &beta, z->data, &ldz);
    return true;
}

/* Small matrices times a vector that no loop of ours is made for are faster by gemm's kernel for small sizes
 * (benchmarks/blas_helpers). */
#ifndef BLAS_SMALL_ROW
#define BLAS_SMALL_ROW 4096
#endif

BLAS_HELPER bool NAME(prefers_gemv)(const matrix_view *x, const matrix_view *y, const matrix_view *z)
{
    const int64_t results = z->rows * z->cols;
    if (z->rows != 1 && z->cols != 1)
        return false;
    if (results == 1 || results * x->cols > BLAS_SMALL_ROW)
        return true;
    const matrix_view a = z->cols == 1 ? *x : transposed(y);
    const vector_view in = z->cols == 1 ? (vector_view){y->data, y->rows, y->row_stride, y->conj}
                                        : (vector_view){x->data, x->cols, x->col_stride, x->conj};
    return NAME(has_own_product)(&a, &in);
}

/* One row or one column of z: a product of a matrix and a vector, which gemv reads once. */
BLAS_OUTLINE int NAME(gemm_by_gemv)(const blas_env *env, REAL alpha, const matrix_view *x,
        const matrix_view *y, REAL beta, const matrix_view *z)
{
    if (z->cols == 1) {
        const vector_view in = {y->data, y->rows, y->row_stride, y->conj};
        const vector_view out = {z->data, z->rows, z->row_stride, false};
        return NAME(gemv)(env, alpha, x, &in, beta, &out);
    }
    const matrix_view a = transposed(y);
    const vector_view in = {x->data, x->cols, x->col_stride, x->conj};
    const vector_view out = {z->data, z->cols, z->col_stride, false};
    return NAME(gemv)(env, alpha, &a, &in, beta, &out);
}

/* Dimensions beyond BLAS_INT: the same product over blocks that fit. */
BLAS_HELPER int NAME(gemm)(const blas_env *env, REAL alpha, const matrix_view *x, const matrix_view *y,
        REAL beta, const matrix_view *z);

BLAS_OUTLINE int NAME(split_gemm)(const blas_env *env, REAL alpha, const matrix_view *x, const matrix_view *y,
        REAL beta, const matrix_view *z)
{
    for (int64_t i = 0; i < z->rows; i += BLAS_INT_LIMIT)
        for (int64_t j = 0; j < z->cols; j += BLAS_INT_LIMIT)
            for (int64_t l = 0; l < x->cols; l += BLAS_INT_LIMIT) {
                const int64_t rows = within_limit(z->rows - i), cols = within_limit(z->cols - j);
                const int64_t inner = within_limit(x->cols - l);
                const matrix_view a = submatrix(x, i, rows, l, inner), b = submatrix(y, l, inner, j, cols);
                const matrix_view c = submatrix(z, i, rows, j, cols);
                const int status = NAME(gemm)(env, alpha, &a, &b, l ? NAME(real)(1.0) : beta, &c);
                if (status)
                    return status;
            }
    return BLAS_DONE;
}

BLAS_HELPER int NAME(gemm)(const blas_env *env, REAL alpha, const matrix_view *x, const matrix_view *y,
        REAL beta, const matrix_view *z)
{
    if (x->rows != z->rows || y->cols != z->cols || x->cols != y->rows)
        return BLAS_SHAPE;
    if (z->rows == 0 || z->cols == 0)
        return BLAS_DONE;
    if (NAME(equals)(alpha, 0.0) || x->cols == 0) {
        NAME(scale_matrix)(beta, z);
        return BLAS_DONE;
    }
    if (NAME(prefers_gemv)(x, y, z))
        return NAME(gemm_by_gemv)(env, alpha, x, y, beta, z);
    if (z->rows > BLAS_INT_LIMIT || z->cols > BLAS_INT_LIMIT || x->cols > BLAS_INT_LIMIT)
        return NAME(split_gemm)(env, alpha, x, y, beta, z);
    if (NAME(direct_gemm)(env, alpha, x, y, beta, z))
        return BLAS_DONE;
    const gemm_plan plan = plan_gemm(x, y, z, BLAS_SMALL_GEMM, (int64_t)sizeof(REAL), IS_COMPLEX);
    char *const scratch = plan.bytes ? env->scratch(env->owner, plan.bytes) : NULL;
    if (plan.bytes && !scratch)
        return BLAS_NO_MEMORY;
    NAME(run_gemm)(env, &plan, scratch, alpha, beta);
    return BLAS_DONE;
}
