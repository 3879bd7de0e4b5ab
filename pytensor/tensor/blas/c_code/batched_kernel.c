/* Kernel of BatchedDot. */
#include "kernel.h"

#ifndef ELEMENT /* compiled alone; a unit defines ELEMENT and lists the files it needs */
#define ELEMENT d
#include "loops.c"
#include "gemm.c"
#include "batched_gemm.c"
#endif

/* z[i] <- x[i] y[i], a new batch. */
BLAS_HELPER int NAME(batched_dot_kernel)(pt_ctx *ctx, const pt_array *x, const pt_array *y, pt_array *z)
{
    if (x->shape[0] != y->shape[0] || x->shape[2] != y->shape[1])
        return pt_fail(ctx, PT_VALUE_ERROR,
                "[BatchedDot] operands must be aligned: x (b, m, k), y (b, k, n); got x (%lld, %lld, %lld), "
                "y (%lld, %lld, %lld)",
                (pt_int)x->shape[0], (pt_int)x->shape[1], (pt_int)x->shape[2], (pt_int)y->shape[0],
                (pt_int)y->shape[1], (pt_int)y->shape[2]);
    z->shape[0] = x->shape[0];
    z->shape[1] = x->shape[1];
    z->shape[2] = y->shape[2];
    const int failed = pt_alloc(ctx, z, 3, (int64_t)sizeof(REAL));
    if (failed)
        return failed;
    const blas_env env = kernel_env(ctx);
    const matrix_view a = first_matrix_of(x), b = first_matrix_of(y), c = first_matrix_of(z);
    const bool one = x->shape[0] <= 1;
    const gemm_batch batch = {
            x->shape[0], one ? 0 : x->strides[0], one ? 0 : y->strides[0], one ? 0 : z->strides[0]};
    pt_heavy(ctx, (double)batch.size * (double)c.rows * (double)c.cols * (double)a.cols / GEMM_PER_NS);
    const int status = NAME(batched_gemm)(&env, NAME(real)(1.0), &a, &b, NAME(real)(0.0), &c, &batch);
    return kernel_status(ctx, status, "BatchedDot");
}
