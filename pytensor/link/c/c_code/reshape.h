/* The same elements in another shape: a view where the layout allows it, else a copy. */
#ifndef PT_RESHAPE_H
#define PT_RESHAPE_H

#include "copy.h"

static int pt_reshape(
        pt_ctx *ctx, const pt_array *x, int x_ndim, pt_array *z, int64_t *shape, int ndim, int64_t itemsize)
{
    int64_t size = pt_size(x, x_ndim), known = 1;
    int open = -1, empty = 0, large = 0;
    for (int i = 0; i < ndim; i++) {
        if (shape[i] == -1 && open < 0)
            open = i;
        else if (shape[i] < 0)
            return pt_fail(ctx, PT_VALUE_ERROR, "[Reshape] entry %d of the new shape must not be %lld", i,
                    (long long)shape[i]);
        else if (shape[i] == 0)
            empty = 1;
        else
            large |= __builtin_mul_overflow(known, shape[i], &known);
    }
    if (large)
        return pt_fail(ctx, PT_VALUE_ERROR,
                "[Reshape] cannot reshape an array of size %lld into a shape that large", (long long)size);
    known = empty ? 0 : known;
    if (open >= 0)
        shape[open] = known ? size / known : 0;
    if ((open >= 0 ? (known == 0 || known * shape[open] != size) : known != size))
        return pt_fail(ctx, PT_VALUE_ERROR,
                "[Reshape] cannot reshape an array of size %lld into a shape of size %lld%s", (long long)size,
                (long long)known, open >= 0 ? " times an integer" : "");
    for (int i = 0; i < ndim; i++)
        z->shape[i] = shape[i];
    if (!pt_is_c_contiguous(x, x_ndim, itemsize)) {
        int status = pt_alloc(ctx, z, ndim, itemsize);
        if (status)
            return status;
        int64_t strides[64], step = itemsize;
        for (int i = x_ndim - 1; i >= 0; i--) {
            strides[i] = step;
            step *= x->shape[i];
        }
        pt_heavy(ctx, (double)size);
        pt_copy(z->data, strides, x->data, x->strides, x->shape, x_ndim, itemsize);
        return PT_OK;
    }
    z->data = x->data;
    int64_t step = itemsize;
    for (int i = ndim - 1; i >= 0; i--) {
        z->strides[i] = step;
        step = (int64_t)((uint64_t)step * (uint64_t)shape[i]); /* large only if it is empty */
    }
    return PT_OK;
}

#endif
