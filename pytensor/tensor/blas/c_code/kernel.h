/* How kernels hand their arrays to the BLAS helpers. */
#ifndef PYTENSOR_BLAS_KERNEL_H
#define PYTENSOR_BLAS_KERNEL_H

#include "pytensor.h"
#include "batch.h"

typedef long long pt_int; /* for "%lld" */

/* Work per nanosecond, roughly, for deciding when to give the GIL away. */
#define GEMM_PER_NS 16.0
#define GEMV_PER_NS 2.0

BLAS_HELPER void *kernel_scratch(void *ctx, int64_t bytes)
{
    return pt_scratch((pt_ctx *)ctx, bytes);
}

BLAS_HELPER blas_env kernel_env(pt_ctx *ctx)
{
    return (blas_env){ctx->svc->blas, kernel_scratch, ctx};
}

BLAS_HELPER matrix_view matrix_of(const pt_array *x)
{
    return (matrix_view){x->data, x->shape[0], x->shape[1], x->strides[0], x->strides[1], false};
}

BLAS_HELPER vector_view vector_of(const pt_array *x)
{
    return (vector_view){x->data, x->shape[0], x->strides[0]};
}

/* The matrices of a batch: the first one. */
BLAS_HELPER matrix_view first_matrix_of(const pt_array *x)
{
    return (matrix_view){x->data, x->shape[1], x->shape[2], x->strides[1], x->strides[2], false};
}

/* May `old` be the accumulator of an output of length `n`: as it is, or broadcast? */
BLAS_HELPER bool fits(int64_t old, int64_t n, bool broadcasts)
{
    return old == n || (broadcasts && old == 1);
}

/* Turn the status of a helper whose lengths were checked before into that of a kernel. */
BLAS_HELPER int kernel_status(pt_ctx *ctx, int status, const char *op)
{
    if (status == BLAS_DONE)
        return PT_OK;
    if (status == BLAS_SHAPE)
        return pt_fail(ctx, PT_VALUE_ERROR, "[%s] operands must be aligned", op);
    return pt_fail(ctx, PT_MEMORY, "[%s] no memory to copy an operand", op);
}

/* z <- old, broadcast along length-1 axes, unless z is old's memory already. */
BLAS_HELPER void load_accumulator(const matrix_view *z, const pt_array *old, int64_t itemsize)
{
    matrix_view from = matrix_of(old);
    if (from.data == z->data)
        return;
    if (from.rows != z->rows)
        from.row_stride = 0;
    if (from.cols != z->cols)
        from.col_stride = 0;
    from.rows = z->rows;
    from.cols = z->cols;
    copy_matrix(z, &from, itemsize);
}

#endif
