/* Kernels of BatchedDot, BatchedGemm and Blockwise(Dot). */
#include "batch_kernel.h"

#ifndef ELEMENT /* compiled alone; a unit defines ELEMENT and lists the files it needs */
#define ELEMENT d
#include "loops.c"
#include "gemv.c"
#include "gemm.c"
#include "batched_gemm.c"
#endif

/* z <- alpha x y + beta z for arrays of `ndim` axes; z has its memory. */
BLAS_HELPER int NAME(batched_product)(pt_ctx *ctx, const char *op, int ndim, REAL alpha, const pt_array *x,
        const pt_array *y, REAL beta, const pt_array *z)
{
    const blas_env env = kernel_env(ctx);
    const matrix_view a = last_matrix_of(x, ndim), b = last_matrix_of(y, ndim), c = last_matrix_of(z, ndim);
    gemm_batch batch;
    describe_batch(&batch, x, y, z, ndim - 2);
    pt_heavy(ctx, (double)pt_size(z, ndim) * (double)a.cols / GEMM_PER_NS);
    return kernel_status(ctx, NAME(batched_gemm)(&env, alpha, &a, &b, beta, &c, &batch), op);
}

/* z <- x y, new matrices. */
BLAS_HELPER int NAME(batched_dot_kernel)(
        pt_ctx *ctx, const char *op, int ndim, stack_operand x, stack_operand y, pt_array *z)
{
    int failed = batched_shape(ctx, op, ndim, x, y, z->shape);
    if (!failed)
        failed = pt_alloc(ctx, z, ndim, (int64_t)sizeof(REAL));
    return failed ? failed
                  : NAME(batched_product)(
                            ctx, op, ndim, NAME(real)(1.0), x.array, y.array, NAME(real)(0.0), z);
}

/* z <- alpha x y + beta old in new memory, matrix by matrix, so that what is added to is in the cache. */
BLAS_OUTLINE int NAME(accumulate_items)(pt_ctx *ctx, int ndim, const pt_array *old, REAL alpha,
        const pt_array *x, const pt_array *y, REAL beta, const pt_array *z)
{
    const int64_t itemsize = (int64_t)sizeof(REAL), bytes = pt_size(z, ndim) * itemsize;
    const int64_t items = z->shape[0];
    if (ndim > 2 && bytes > ACCUMULATE_AT_ONCE && bytes / items >= ACCUMULATE_ITEM) {
        int status = PT_OK;
        for (int64_t i = 0; !status && i < items; i++) {
            const pt_array c = stack_part(z, i), from = stack_part(old, i);
            const pt_array a = stack_part(x, i), b = stack_part(y, i);
            status = NAME(accumulate_items)(ctx, ndim - 1, &from, alpha, &a, &b, beta, &c);
        }
        return status;
    }
    copy_stack(z, old, ndim, itemsize);
    return NAME(batched_product)(ctx, "BatchedGemm", ndim, alpha, x, y, beta, z);
}

/* z <- alpha x y + beta old, over `old` or in new memory, where old's lengths known to be 1 are broadcast. */
BLAS_HELPER int NAME(batched_gemm_kernel)(pt_ctx *ctx, bool in_place, int ndim, stack_operand old, REAL alpha,
        stack_operand x, stack_operand y, REAL beta, pt_array *z)
{
    int failed = batched_shape(ctx, "BatchedGemm", ndim, x, y, z->shape);
    if (failed)
        return failed;
    for (int i = 0; i < ndim; i++)
        if (old.array->shape[i] != z->shape[i] && (in_place || !known_as_one(old, i)))
            return fail_accumulator(ctx, "BatchedGemm", "z", false, old.array, z->shape, ndim);
    if (in_place) {
        pt_view(z, old.array, ndim);
    } else {
        failed = pt_alloc(ctx, z, ndim, (int64_t)sizeof(REAL));
        if (failed)
            return failed;
        if (!NAME(equals)(beta, 0.0) && z->data != old.array->data)
            return NAME(accumulate_items)(ctx, ndim, old.array, alpha, x.array, y.array, beta, z);
    }
    return NAME(batched_product)(ctx, "BatchedGemm", ndim, alpha, x.array, y.array, beta, z);
}
