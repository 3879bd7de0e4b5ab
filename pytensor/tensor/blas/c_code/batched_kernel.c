/* Kernel of BatchedDot. */
#include "kernel.h"
#include "batch.h"

#ifndef ELEMENT /* compiled alone; a unit defines ELEMENT and lists the files it needs */
#define ELEMENT d
#include "loops.c"
#include "gemv.c"
#include "gemm.c"
#include "batched_gemm.c"
#endif

/* The matrices of a batch: the first one. */
BLAS_HELPER matrix_view NAME(first_matrix_of)(const pt_array *x)
{
    return (matrix_view){x->data, x->shape[1], x->shape[2], x->strides[1], x->strides[2], false};
}

/* z[i] <- x[i] y[i], a new batch. */
BLAS_HELPER int NAME(batched_dot_kernel)(pt_ctx *ctx, const pt_array *x, const pt_array *y, pt_array *z)
{
    if (x->shape[0] != y->shape[0])
        return fail_shapes(ctx, "BatchedDot", "batch length", "x", x, 3, "y", y, 3);
    if (x->shape[2] != y->shape[1])
        return fail_shapes(ctx, "BatchedDot", "inner dimension", "x", x, 3, "y", y, 3);
    z->shape[0] = x->shape[0];
    z->shape[1] = x->shape[1];
    z->shape[2] = y->shape[2];
    const int failed = pt_alloc(ctx, z, 3, (int64_t)sizeof(REAL));
    if (failed)
        return failed;
    const blas_env env = kernel_env(ctx);
    const matrix_view a = NAME(first_matrix_of)(x), b = NAME(first_matrix_of)(y),
                      c = NAME(first_matrix_of)(z);
    const bool one = x->shape[0] <= 1;
    const gemm_batch batch = {
            x->shape[0], one ? 0 : x->strides[0], one ? 0 : y->strides[0], one ? 0 : z->strides[0]};
    pt_heavy(ctx, (double)batch.size * (double)c.rows * (double)c.cols * (double)a.cols / GEMM_PER_NS);
    const int status = NAME(batched_gemm)(&env, NAME(real)(1.0), &a, &b, NAME(real)(0.0), &c, &batch);
    return kernel_status(ctx, status, "BatchedDot");
}
