/* Batched gemm: z[i] <- alpha x[i] y[i] + beta z[i]. An operand with batch stride 0 serves every product.
 */
#include "batch.h"

#ifndef ELEMENT /* compiled alone; a unit defines ELEMENT and lists the files it needs */
#define ELEMENT d
#include "loops.c"
#include "gemv.c"
#include "gemm.c"
#endif

/* Products one after the other, each with its own plan. */
BLAS_OUTLINE int NAME(gemm_one_by_one)(const blas_env *env, REAL alpha, const matrix_view *x,
        const matrix_view *y, REAL beta, const matrix_view *z, const gemm_batch *batch)
{
    for (int64_t i = 0; i < batch->size; i++) {
        matrix_view a = *x, b = *y, c = *z;
        a.data += i * batch->x_stride;
        b.data += i * batch->y_stride;
        c.data += i * batch->z_stride;
        const int status = NAME(gemm)(env, alpha, &a, &b, beta, &c);
        if (status)
            return status;
    }
    return BLAS_DONE;
}

/* Products that share one plan: only the addresses move. An operand copied for all of them is copied once. */
BLAS_OUTLINE int NAME(gemm_by_plan)(const blas_env *env, REAL alpha, const matrix_view *x,
        const matrix_view *y, REAL beta, const matrix_view *z, const gemm_batch *batch)
{
    const int64_t itemsize = (int64_t)sizeof(REAL);
    gemm_plan plan = plan_gemm(x, y, z, BLAS_SMALL_GEMM, itemsize, IS_COMPLEX);
    const int64_t a_step = plan.swapped ? batch->y_stride : batch->x_stride;
    const int64_t b_step = plan.swapped ? batch->x_stride : batch->y_stride;
    char *const scratch = plan.bytes ? env->scratch(env->owner, plan.bytes) : NULL;
    if (plan.bytes && !scratch)
        return BLAS_NO_MEMORY;
    if (a_step == 0) {
        use_copy(&plan.a, &plan.a_form, scratch, itemsize);
        plan.a_form.copy = false;
    }
    if (b_step == 0) {
        use_copy(&plan.b, &plan.b_form, scratch, itemsize);
        plan.b_form.copy = false;
    }
    for (int64_t i = 0; i < batch->size; i++) {
        NAME(run_gemm)(env, &plan, scratch, alpha, beta);
        plan.a.data += a_step;
        plan.b.data += b_step;
        plan.c.data += batch->z_stride;
    }
    return BLAS_DONE;
}

/* The output shares memory with an operand somewhere in the batch: compute aside, then store. */
BLAS_OUTLINE int NAME(gemm_aside)(const blas_env *env, REAL alpha, const matrix_view *x, const matrix_view *y,
        REAL beta, const matrix_view *z, const gemm_batch *batch)
{
    const int64_t itemsize = (int64_t)sizeof(REAL), elements = z->rows * z->cols;
    char *const own = env->scratch(env->owner, packed_bytes(elements * batch->size, itemsize));
    const matrix_view c = {own, z->rows, z->cols, at_least_one(z->cols) * itemsize, itemsize, false};
    const gemm_batch aside = {batch->size, batch->x_stride, batch->y_stride, elements * itemsize};
    if (!own)
        return BLAS_NO_MEMORY;
    for (int64_t i = 0; i < batch->size; i++) {
        const matrix_view from = {
                z->data + i * batch->z_stride, z->rows, z->cols, z->row_stride, z->col_stride, false};
        const matrix_view to = {own + i * aside.z_stride, c.rows, c.cols, c.row_stride, c.col_stride, false};
        copy_matrix(&to, &from, itemsize);
    }
    const int status = NAME(gemm_one_by_one)(env, alpha, x, y, beta, &c, &aside);
    for (int64_t i = 0; i < batch->size; i++) {
        const matrix_view from = {
                own + i * aside.z_stride, c.rows, c.cols, c.row_stride, c.col_stride, false};
        const matrix_view to = {
                z->data + i * batch->z_stride, z->rows, z->cols, z->row_stride, z->col_stride, false};
        copy_matrix(&to, &from, itemsize);
    }
    return status;
}

BLAS_HELPER int NAME(batched_gemm)(const blas_env *env, REAL alpha, const matrix_view *x,
        const matrix_view *y, REAL beta, const matrix_view *z, const gemm_batch *batch)
{
    const int64_t itemsize = (int64_t)sizeof(REAL);
    if (x->rows != z->rows || y->cols != z->cols || x->cols != y->rows)
        return BLAS_SHAPE;
    if (batch->size == 0 || z->rows == 0 || z->cols == 0)
        return BLAS_DONE;
    const byte_range written = batch_range(z, batch->z_stride, batch->size, itemsize);
    if (overlap(batch_range(x, batch->x_stride, batch->size, itemsize), written) ||
            overlap(batch_range(y, batch->y_stride, batch->size, itemsize), written))
        return NAME(gemm_aside)(env, alpha, x, y, beta, z, batch);
    /* One right factor for the whole batch: the left factors and the results, stacked, are two tall matrices.
     */
    if (batch->y_stride == 0 && stacks_by_rows(x, batch->x_stride) && stacks_by_rows(z, batch->z_stride)) {
        const matrix_view tall_x = stacked(x, batch->x_stride, batch->size);
        const matrix_view tall_z = stacked(z, batch->z_stride, batch->size);
        return NAME(gemm)(env, alpha, &tall_x, y, beta, &tall_z);
    }
    if (batch->size == 1 || !batch_keeps_alignment(batch, itemsize) || z->rows > BLAS_INT_LIMIT ||
            z->cols > BLAS_INT_LIMIT || x->cols > BLAS_INT_LIMIT)
        return NAME(gemm_one_by_one)(env, alpha, x, y, beta, z, batch);
    return NAME(gemm_by_plan)(env, alpha, x, y, beta, z, batch);
}
