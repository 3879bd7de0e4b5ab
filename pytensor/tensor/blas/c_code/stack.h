/* Stacks of matrices (or vectors) that broadcast against each other, one item after the other. */
#ifndef PYTENSOR_BLAS_STACK_H
#define PYTENSOR_BLAS_STACK_H

#include "kernel.h"

/* An input: `ones` has a bit for each batch axis that its type knows to have length 1. */
typedef struct {
    const pt_array *x;
    uint64_t ones;
} stack;

/* Fill in the lengths of the batch. A length of 1 that no type announced is refused: the gradient would not
 * know of it. */
BLAS_OUTLINE int stack_shape(
        pt_ctx *ctx, const char *op, int ndim, const stack *a, const stack *b, int64_t *shape)
{
    for (int i = 0; i < ndim; i++) {
        const int64_t m = a->x->shape[i], n = b->x->shape[i];
        shape[i] = a->ones >> i & 1 ? n : m;
        if (m == n || ((a->ones | b->ones) >> i & 1))
            continue;
        if (m == 1 || n == 1)
            return pt_fail(ctx, PT_VALUE_ERROR,
                    "Runtime broadcasting not allowed. At least one input has a distinct batch dimension "
                    "length of 1, but was not marked as broadcastable.\nIf broadcasting was intended, use "
                    "`specify_broadcastable` on the relevant input.");
        return pt_fail(ctx, PT_VALUE_ERROR,
                "[%s] batch dimensions must broadcast, got lengths %lld and %lld on axis %d", op,
                (long long)m, (long long)n, i);
    }
    return PT_OK;
}

/* Where item `k` of a batch of this shape begins in x. */
BLAS_HELPER char *stack_item(const pt_array *x, const int64_t *shape, int ndim, int64_t k)
{
    char *data = x->data;
    for (int i = ndim - 1; i >= 0; i--) {
        if (x->shape[i] != 1)
            data += k % shape[i] * x->strides[i];
        k /= shape[i];
    }
    return data;
}

/* The core matrix at `data`; a vector is a matrix with one column. */
BLAS_HELPER matrix_view core_matrix(const pt_array *x, char *data, int batch, int core_ndim)
{
    const int64_t *const shape = x->shape + batch, *const strides = x->strides + batch;
    return core_ndim == 2 ? (matrix_view){data, shape[0], shape[1], strides[0], strides[1], false}
                          : (matrix_view){data, shape[0], 1, strides[0], 0, false};
}

/* Scratch memory that is used again for each item. */
typedef struct {
    pt_ctx *ctx;
    char *block;
    int64_t size, used;
} item_scratch;

BLAS_HELPER void *take_item_scratch(void *owner, int64_t bytes)
{
    item_scratch *const own = (item_scratch *)owner;
    if (own->used + bytes > own->size) {
        char *const block = pt_scratch(own->ctx, bytes);
        if (!block || own->used)
            return block; /* what was given out before for this item stays where it is */
        own->block = block;
        own->size = bytes;
    }
    own->used += bytes;
    return own->block + own->used - bytes;
}

#endif
