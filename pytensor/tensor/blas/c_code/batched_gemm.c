/* Batched gemm: z[i] <- alpha x[i] y[i] + beta z[i] for i over any number of axes. An operand with stride 0
 * along an axis serves all products of it; none is copied for that.
 */
#include "batch.h"

#ifndef ELEMENT /* compiled alone; a unit defines ELEMENT and lists the files it needs */
#define ELEMENT d
#include "loops.c"
#include "gemv.c"
#include "gemm.c"
#endif

/* Up to so many multiplications OpenBLAS multiplies without packing its operands, up to 1.7 times as fast; a
 * batch that became one tall matrix is sliced accordingly (benchmarks/blas_helpers). */
#ifndef BLAS_UNPACKED_GEMM
#define BLAS_UNPACKED_GEMM 1000000
#endif

/* A tall (or wide) product in slices. */
BLAS_OUTLINE int NAME(gemm_in_slices)(const blas_env *env, REAL alpha, const matrix_view *x,
        const matrix_view *y, REAL beta, const matrix_view *z)
{
    const bool tall = z->rows >= z->cols;
    const int64_t length = tall ? z->rows : z->cols, width = (tall ? z->cols : z->rows) * x->cols;
    const int64_t most = at_least_one(BLAS_UNPACKED_GEMM / at_least_one(width));
    const int64_t count = (length + most - 1) / most, step = (length + count - 1) / count;
    for (int64_t i = 0; i < length; i += step) {
        const int64_t n = length - i < step ? length - i : step;
        const matrix_view a = tall ? submatrix(x, i, n, 0, x->cols) : *x;
        const matrix_view b = tall ? *y : submatrix(y, 0, y->rows, i, n);
        const matrix_view c = tall ? submatrix(z, i, n, 0, z->cols) : submatrix(z, 0, z->rows, i, n);
        const int status = NAME(gemm)(env, alpha, &a, &b, beta, &c);
        if (status)
            return status;
    }
    return BLAS_DONE;
}

/* Products that are single numbers. */
BLAS_OUTLINE void NAME(batched_dots)(
        REAL alpha, const matrix_view *x, const matrix_view *y, REAL beta, char *z, const gemm_batch *batch)
{
    vector_view a = {x->data, x->cols, x->col_stride, x->conj},
                b = {y->data, y->rows, y->row_stride, y->conj};
    batch_place at;
    first_place(batch, &at);
    for (int64_t left = batch_size(batch); left > 0; left--) {
        a.data = x->data + at.x;
        b.data = y->data + at.y;
        NAME(accumulate)(z + at.z, alpha, NAME(dot)(&a, &b), beta);
        next_place(batch, &at);
    }
}

/* Products one after the other, each looking at its operands anew. */
BLAS_OUTLINE int NAME(gemm_one_by_one)(const blas_env *env, REAL alpha, const matrix_view *x,
        const matrix_view *y, REAL beta, const matrix_view *z, const gemm_batch *batch, bool sliced)
{
    reused_scratch own = {env, NULL, 0, 0};
    const blas_env item_env = {env->routines, take_reused, &own};
    batch_place at;
    first_place(batch, &at);
    for (int64_t left = batch_size(batch); left > 0; left--) {
        matrix_view a = *x, b = *y, c = *z;
        a.data += at.x;
        b.data += at.y;
        c.data += at.z;
        own.used = 0;
        const int status = sliced ? NAME(gemm_in_slices)(&item_env, alpha, &a, &b, beta, &c)
                                  : NAME(gemm)(&item_env, alpha, &a, &b, beta, &c);
        if (status)
            return status;
        next_place(batch, &at);
    }
    return BLAS_DONE;
}

/* Copy an operand that the library cannot read, unless the product before had the same. */
BLAS_HELPER void NAME(read_factor)(matrix_view *ready, const matrix_view *from, const operand_form *form,
        char *scratch, const char **last)
{
    if (!form->copy) {
        ready->data = from->data;
    } else if (*last != from->data) {
        *ready = packed_copy(from, scratch + form->offset, (int64_t)sizeof(REAL));
        *last = from->data;
    }
}

/* Products that share one plan: only the addresses move. */
BLAS_OUTLINE int NAME(gemm_by_plan)(const blas_env *env, REAL alpha, const matrix_view *x,
        const matrix_view *y, REAL beta, const matrix_view *z, const gemm_batch *batch)
{
    gemm_plan plan = plan_gemm(x, y, z, BLAS_SMALL_GEMM, (int64_t)sizeof(REAL), IS_COMPLEX);
    char *const scratch = plan.bytes ? env->scratch(env->owner, plan.bytes) : NULL;
    if (plan.bytes && !scratch)
        return BLAS_NO_MEMORY;
    gemm_plan ready = plan;
    ready.a_form.copy = ready.b_form.copy = false;
    const char *last_a = NULL, *last_b = NULL;
    const matrix_view first_a = plan.a, first_b = plan.b, first_c = plan.c;
    batch_place at;
    first_place(batch, &at);
    for (int64_t left = batch_size(batch); left > 0; left--) {
        plan.a.data = first_a.data + (plan.swapped ? at.y : at.x);
        plan.b.data = first_b.data + (plan.swapped ? at.x : at.y);
        ready.c.data = first_c.data + at.z;
        if (plan.small) {
            NAME(small_gemm)(alpha, &plan.a, &plan.b, beta, &ready.c);
        } else {
            NAME(read_factor)(&ready.a, &plan.a, &plan.a_form, scratch, &last_a);
            NAME(read_factor)(&ready.b, &plan.b, &plan.b_form, scratch, &last_b);
            if (plan.c_form.copy || BLAS_CLEARS_OUTPUT)
                NAME(run_gemm)(env, &ready, scratch, alpha, beta);
            else
                NAME(call_gemm)(env, &ready, alpha, beta);
        }
        next_place(batch, &at);
    }
    return BLAS_DONE;
}

/* The output shares memory with an operand somewhere in the batch: compute aside, then store. */
BLAS_OUTLINE int NAME(gemm_aside)(const blas_env *env, REAL alpha, const matrix_view *x, const matrix_view *y,
        REAL beta, const matrix_view *z, const gemm_batch *batch)
{
    const int64_t itemsize = (int64_t)sizeof(REAL), bytes = z->rows * z->cols * itemsize;
    char *const own = env->scratch(env->owner, bytes * batch_size(batch));
    matrix_view from = *z, aside = {own, z->rows, z->cols, at_least_one(z->cols) * itemsize, itemsize, false};
    gemm_batch to = *batch;
    batch_place at;
    if (!own)
        return BLAS_NO_MEMORY;
    for (int64_t i = to.ndim - 1, stride = bytes; i >= 0; i--) {
        to.axis[i].z = stride;
        stride *= to.axis[i].size;
    }
    first_place(batch, &at);
    for (int64_t i = 0; i < batch_size(batch); i++, next_place(batch, &at)) {
        from.data = z->data + at.z;
        aside.data = own + i * bytes;
        copy_matrix(&aside, &from, itemsize);
    }
    aside.data = own;
    const int status = NAME(gemm_one_by_one)(env, alpha, x, y, beta, &aside, &to, false);
    first_place(batch, &at);
    for (int64_t i = 0; i < batch_size(batch); i++, next_place(batch, &at)) {
        from.data = z->data + at.z;
        aside.data = own + i * bytes;
        copy_matrix(&from, &aside, itemsize);
    }
    return status;
}

BLAS_HELPER int NAME(batched_gemm)(const blas_env *env, REAL alpha, const matrix_view *x_view,
        const matrix_view *y_view, REAL beta, const matrix_view *z_view, const gemm_batch *all)
{
    const int64_t itemsize = (int64_t)sizeof(REAL);
    matrix_view x = *x_view, y = *y_view, z = *z_view;
    gemm_batch batch = *all;
    if (x.rows != z.rows || y.cols != z.cols || x.cols != y.rows)
        return BLAS_SHAPE;
    if (batch_size(&batch) == 0 || z.rows == 0 || z.cols == 0)
        return BLAS_DONE;
    if (batch_overlaps(&batch, &x, &y, &z, itemsize))
        return NAME(gemm_aside)(env, alpha, &x, &y, beta, &z, &batch);
    const int64_t each = z.rows * z.cols * x.cols;
    simplify_batch(&batch, &x, &y, &z);
    const int64_t folded = z.rows * z.cols * x.cols;
    const bool sliced = folded > each && each <= BLAS_UNPACKED_GEMM && folded > BLAS_UNPACKED_GEMM;
    if (batch.ndim == 0 && !sliced)
        return NAME(gemm)(env, alpha, &x, &y, beta, &z);
    const bool zero = NAME(equals)(alpha, 0.0) || x.cols == 0;
    if (!zero && z.rows == 1 && z.cols == 1) {
        NAME(batched_dots)(alpha, &x, &y, beta, z.data, &batch);
        return BLAS_DONE;
    }
    if (zero || sliced || NAME(prefers_gemv)(&x, &y, &z) || !batch_keeps_alignment(&batch, itemsize) ||
            z.rows > BLAS_INT_LIMIT || z.cols > BLAS_INT_LIMIT || x.cols > BLAS_INT_LIMIT)
        return NAME(gemm_one_by_one)(env, alpha, &x, &y, beta, &z, &batch, sliced);
    return NAME(gemm_by_plan)(env, alpha, &x, &y, beta, &z, &batch);
}
