/* Kernels of diagonals; their parameters are written in dispatch/diagonal.py. */
#ifndef PT_DIAGONAL_H
#define PT_DIAGONAL_H

#include "copy.h"
#include "views.h"

/* A diagonal of `whole` as an array of its own: its start, shape and strides. p: axis of rows, axis of
   columns, places below the main diagonal, places above it. */
static char *pt_diagonal(
        const pt_array *whole, int64_t ndim, const int64_t *p, int64_t *shape, int64_t *strides)
{
    const int64_t rows = p[0], cols = p[1];
    int64_t length = whole->shape[rows] - p[2], across = whole->shape[cols] - p[3], n = 0;
    length = length < across ? length : across;
    length = length < 0 ? 0 : length;
    for (int64_t k = 0; k < ndim; k++) {
        if (k == rows || k == cols)
            continue;
        shape[n] = whole->shape[k];
        strides[n++] = whole->strides[k];
    }
    shape[n] = length;
    strides[n] = whole->strides[rows] + whole->strides[cols];
    return whole->data + (length ? p[2] * whole->strides[rows] + p[3] * whole->strides[cols] : 0);
}

/* axes of z, itemsize, whether z is a view; the diagonal */
PT_KERNEL(pt_extract_diagonal)
{
    const int64_t *p = pt_parameters(program);
    const int ndim = (int)p[0];
    int64_t shape[65], strides[65];
    pt_array *z = args[1];
    char *start = pt_diagonal(args[0], ndim + 1, p + 3, shape, strides);
    memcpy(z->shape, shape, (size_t)ndim * sizeof *shape);
    if (p[2]) {
        memcpy(z->strides, strides, (size_t)ndim * sizeof *strides);
        z->data = start;
        return PT_OK;
    }
    int status = pt_alloc(ctx, z, ndim, p[1]);
    if (status == PT_OK)
        pt_copy(z->data, z->strides, start, strides, shape, ndim, p[1]);
    return status;
}

/* z, whose shape is set, becomes zero but for the diagonal. */
static int pt_fill_diagonal(
        pt_ctx *ctx, const pt_array *value, pt_array *z, const int64_t *p, const char *name)
{
    const int ndim = (int)p[0];
    int64_t shape[65], strides[65];
    int status = pt_alloc(ctx, z, ndim, p[1]);
    if (status)
        return status;
    memset(z->data, 0, (size_t)(pt_size(z, ndim) * p[1]));
    char *start = pt_diagonal(z, ndim, p + 2, shape, strides);
    for (int k = 0; k < ndim - 1; k++)
        if (value->shape[k] != shape[k])
            return pt_fail(ctx, PT_VALUE_ERROR, "[%s] the diagonal must have %lld elements, got %lld", name,
                    (long long)shape[ndim - 2], (long long)value->shape[ndim - 2]);
    pt_copy(start, strides, value->data, value->strides, shape, ndim - 1, p[1]);
    return PT_OK;
}

/* axes of z, itemsize; the diagonal */
PT_KERNEL(pt_alloc_diagonal)
{
    const int64_t *p = pt_parameters(program);
    const pt_array *x = args[0];
    pt_array *z = args[1];
    int64_t n = 0;
    for (int64_t k = 0; k < p[0]; k++)
        if (k != p[2] && k != p[3])
            z->shape[k] = x->shape[n++];
    z->shape[p[2]] = z->shape[p[3]] = x->shape[n] + p[4] + p[5];
    return pt_fill_diagonal(ctx, x, z, p, "AllocDiag");
}

/* axes of z, itemsize; the diagonal */
PT_KERNEL(pt_set_diagonal)
{
    const int64_t *p = pt_parameters(program);
    pt_same_shape(args[2], args[0], (int)p[0]);
    return pt_fill_diagonal(ctx, args[1], args[2], p, "SetDiag");
}

#endif
