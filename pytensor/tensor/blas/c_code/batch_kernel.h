/* How kernels of batched products describe their arrays to the helper. */
#ifndef PYTENSOR_BLAS_BATCH_KERNEL_H
#define PYTENSOR_BLAS_BATCH_KERNEL_H

#include "kernel.h"
#include "batch.h"

/* An operand: `ones` has a bit for each axis whose length its type knows to be 1. Only such axes broadcast; a
 * gradient would not know of others. */
typedef struct {
    const pt_array *array;
    uint64_t ones;
} stack_operand;

BLAS_HELPER bool known_as_one(stack_operand x, int axis)
{
    return x.ones >> axis & 1;
}

BLAS_OUTLINE int fail_batch(pt_ctx *ctx, const char *op, int ndim, int axis, stack_operand x, stack_operand y)
{
    const int64_t n = x.array->shape[axis], m = y.array->shape[axis];
    if (!strcmp(op, "BatchedDot"))
        return fail_shapes(ctx, op, "batch length", "x", x.array, ndim, "y", y.array, ndim);
    if (!strcmp(op, "BatchedGemm") || (n != 1 && m != 1))
        return fail_shapes(
                ctx, op, "batch axes, or have lengths known to be 1", "x", x.array, ndim, "y", y.array, ndim);
    return pt_fail(ctx, PT_VALUE_ERROR,
            "Runtime broadcasting not allowed. At least one input has a distinct batch dimension length of "
            "1, but "
            "was not marked as broadcastable.\nIf broadcasting was intended, use `specify_broadcastable` on "
            "the "
            "relevant input.");
}

/* The lengths of x y, if the operands go together. */
BLAS_OUTLINE int batched_shape(
        pt_ctx *ctx, const char *op, int ndim, stack_operand x, stack_operand y, int64_t *shape)
{
    if (x.array->shape[ndim - 1] != y.array->shape[ndim - 2])
        return fail_shapes(ctx, op, "inner dimension", "x", x.array, ndim, "y", y.array, ndim);
    for (int i = 0; i < ndim - 2; i++) {
        const int64_t n = x.array->shape[i], m = y.array->shape[i];
        if (n != m && !known_as_one(x, i) && !known_as_one(y, i))
            return fail_batch(ctx, op, ndim, i, x, y);
        shape[i] = known_as_one(x, i) ? m : n;
    }
    shape[ndim - 2] = x.array->shape[ndim - 2];
    shape[ndim - 1] = y.array->shape[ndim - 1];
    return PT_OK;
}

BLAS_HELPER int64_t stride_along(const pt_array *x, int axis)
{
    return x->shape[axis] == 1 ? 0 : x->strides[axis];
}

/* The first matrix of a stack. */
BLAS_HELPER matrix_view last_matrix_of(const pt_array *x, int ndim)
{
    const int64_t *const shape = x->shape + ndim - 2, *const strides = x->strides + ndim - 2;
    return (matrix_view){x->data, shape[0], shape[1], strides[0], strides[1], false};
}

BLAS_HELPER void describe_batch(
        gemm_batch *batch, const pt_array *x, const pt_array *y, const pt_array *z, int ndim)
{
    batch->ndim = ndim;
    for (int i = 0; i < ndim; i++)
        batch->axis[i] =
                (batch_axis){z->shape[i], stride_along(x, i), stride_along(y, i), stride_along(z, i)};
}

/* Up to so many bytes an accumulator is copied at once; larger ones in parts of at least so many. */
enum { ACCUMULATE_AT_ONCE = 262144, ACCUMULATE_ITEM = 32768 };

/* Item `i` along the first axis, or the only one there is. */
BLAS_HELPER pt_array stack_part(const pt_array *x, int64_t i)
{
    return (pt_array){
            .data = x->data + i * stride_along(x, 0), .shape = x->shape + 1, .strides = x->strides + 1};
}

/* z <- old, lengths of 1 repeated. */
BLAS_OUTLINE void copy_stack(const pt_array *z, const pt_array *old, int ndim, int64_t itemsize)
{
    matrix_view to = last_matrix_of(z, ndim), from = to;
    from.data = old->data;
    from.row_stride = stride_along(old, ndim - 2);
    from.col_stride = stride_along(old, ndim - 1);
    gemm_batch batch;
    batch_place at;
    describe_batch(&batch, old, old, z, ndim - 2);
    first_place(&batch, &at);
    if (to.rows == 0 || to.cols == 0)
        return;
    for (int64_t left = batch_size(&batch); left > 0; left--, next_place(&batch, &at)) {
        to.data = z->data + at.z;
        from.data = old->data + at.x;
        copy_matrix(&to, &from, itemsize);
    }
}

#endif
