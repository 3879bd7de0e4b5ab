/* Moving values between the arrays of a loop and its inner graph. */
#ifndef PT_SCAN_H
#define PT_SCAN_H

#include "copy.h"

/* e becomes one element of the stack x, without data yet; ndim axes remain. */
static inline void pt_scan_element(pt_array *e, const pt_array *x, int ndim)
{
    for (int i = 0; i < ndim; i++) {
        e->shape[i] = x->shape[i + 1];
        e->strides[i] = x->strides[i + 1];
    }
}

/* Element number `at` of the stack x. */
static inline char *pt_scan_at(const pt_array *x, int64_t at)
{
    return x->data + at * x->strides[0];
}

/* The place after `at` in a buffer that is used again and again. */
static inline int64_t pt_scan_next(int64_t at, int64_t length)
{
    return at + 1 == length ? 0 : at + 1;
}

static inline int pt_scan_fits(const pt_array *z, const pt_array *e, int ndim)
{
    for (int i = 0; i < ndim; i++)
        if (z->shape[i + 1] != e->shape[i])
            return 0;
    return 1;
}

/* Write e to element number `at` of the stack z. */
static inline void pt_scan_store(pt_array *z, int64_t at, const pt_array *e, int ndim, int64_t itemsize)
{
    char *to = pt_scan_at(z, at);
    if (to == e->data)
        return;
    if (ndim == 0)
        memcpy(to, e->data, (size_t)itemsize);
    else
        pt_copy(to, z->strides + 1, e->data, e->strides, e->shape, ndim, itemsize);
}

/* z gets the first rows of x, which has its shape. */
static inline void pt_scan_begin(pt_array *z, const pt_array *x, int64_t rows, int ndim, int64_t itemsize)
{
    int64_t length = z->shape[0];
    z->shape[0] = rows < length ? rows : length;
    pt_copy(z->data, z->strides, x->data, x->strides, z->shape, ndim, itemsize);
    z->shape[0] = length;
}

/* Bring row `first` of z to the front, the others behind it in circular order. */
static PT_UNUSED int pt_scan_rotate(pt_ctx *ctx, pt_array *z, int64_t first, int ndim, int64_t itemsize)
{
    int64_t strides[64], length = z->shape[0], bytes = itemsize;
    if (first == 0)
        return PT_OK;
    for (int i = ndim - 1; i >= 0; i--) {
        strides[i] = bytes;
        bytes *= z->shape[i];
    }
    char *old = pt_scratch(ctx, bytes);
    if (!old)
        return pt_fail(ctx, PT_MEMORY, "[Scan] no memory for %lld bytes", (long long)bytes);
    pt_copy(old, strides, z->data, z->strides, z->shape, ndim, itemsize);
    for (int64_t i = 0; i < length; i++) {
        int64_t from = first + i < length ? first + i : first + i - length;
        pt_copy(pt_scan_at(z, i), z->strides + 1, old + from * strides[0], strides + 1, z->shape + 1,
                ndim - 1, itemsize);
    }
    return PT_OK;
}

/* Keep the first rows of z only. Its memory is allocated anew, since an array that leaves the program
   must be as large as its shape says. */
static PT_UNUSED int pt_scan_cut(pt_ctx *ctx, pt_array *z, int64_t rows, int ndim, int64_t itemsize)
{
    int64_t strides[64], bytes = itemsize;
    if (z->shape[0] == rows)
        return PT_OK;
    z->shape[0] = rows;
    for (int i = ndim - 1; i >= 0; i--) {
        strides[i] = bytes;
        bytes *= z->shape[i];
    }
    char *old = pt_scratch(ctx, bytes);
    if (!old)
        return pt_fail(ctx, PT_MEMORY, "[Scan] no memory for %lld bytes", (long long)bytes);
    pt_copy(old, strides, z->data, z->strides, z->shape, ndim, itemsize);
    int status = pt_alloc(ctx, z, ndim, itemsize);
    if (status == PT_OK)
        pt_copy(z->data, z->strides, old, strides, z->shape, ndim, itemsize);
    return status;
}

#endif
