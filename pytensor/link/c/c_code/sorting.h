/* Sorting along an axis; parameters: dispatch/sorting.py. */
#ifndef PT_SORTING_H
#define PT_SORTING_H

#include "copy.h"
#include "views.h"

/* The axes of x with the one that is sorted at the end, and strides of an array that has them in this order.
 */
typedef struct {
    int64_t shape[65], x[65], z[65], packed[65];
    int64_t size, n;
} pt_sorted_axes;

static PT_UNUSED void pt_sorted_order(
        pt_sorted_axes *a, const pt_array *x, const pt_array *z, int64_t ndim, int64_t axis)
{
    a->size = 1;
    for (int64_t i = ndim - 1; i >= 0; i--) {
        const int64_t k = i == ndim - 1 ? axis : i + (i >= axis);
        a->shape[i] = x->shape[k];
        a->x[i] = x->strides[k];
        a->z[i] = z->strides[k];
        a->packed[i] = a->size;
        a->size *= x->shape[k];
    }
    a->n = x->shape[axis];
}

static PT_UNUSED void pt_scale(int64_t *strides, int64_t ndim, int64_t itemsize)
{
    for (int64_t i = 0; i < ndim; i++)
        strides[i] *= itemsize;
}

static inline double pt_sort_work(const pt_sorted_axes *a)
{
    double depth = 1.0;
    for (int64_t n = a->n; n > 1; n >>= 1)
        depth += 1.0;
    return (double)a->size * depth;
}

/* ndim, axis, itemsize, NumPy's number of the type, its number of the algorithm */
PT_KERNEL(pt_sort)
{
    const int64_t *p = pt_parameters(program), ndim = p[0], size = p[2];
    const pt_array *x = args[0];
    pt_array *z = args[1];
    pt_sorted_axes a;
    pt_same_shape(z, x, (int)ndim);
    int status = pt_alloc(ctx, z, (int)ndim, size);
    if (status)
        return status;
    pt_sorted_order(&a, x, z, ndim, p[1]);
    pt_scale(a.packed, ndim, size);
    if (a.size == 0)
        return PT_OK;
    char *lines = p[1] == ndim - 1 ? z->data : pt_scratch(ctx, a.size * size);
    if (!lines)
        return pt_fail(ctx, PT_MEMORY, "[sort] no memory");
    pt_heavy(ctx, pt_sort_work(&a));
    if (lines != x->data)
        pt_copy(lines, a.packed, x->data, a.x, a.shape, (int)ndim, size);
    for (int64_t i = 0; i < a.size && !status; i += a.n)
        status = ctx->svc->sort(ctx, (int)p[3], (int)p[4], lines + i * size, NULL, a.n);
    if (lines != z->data)
        pt_copy(z->data, a.z, lines, a.packed, a.shape, (int)ndim, size);
    return status;
}

/* As for pt_sort. */
PT_KERNEL(pt_argsort)
{
    const int64_t *p = pt_parameters(program), ndim = p[0], size = p[2];
    const pt_array *x = args[0];
    pt_array *z = args[1];
    const int last = p[1] == ndim - 1;
    pt_sorted_axes a;
    pt_same_shape(z, x, (int)ndim);
    int status = pt_alloc(ctx, z, (int)ndim, 8);
    if (status)
        return status;
    pt_sorted_order(&a, x, z, ndim, p[1]);
    if (a.size == 0)
        return PT_OK;
    const int packed = last && pt_is_c_contiguous(x, (int)ndim, size);
    char *lines = packed ? x->data : pt_scratch(ctx, a.size * size);
    int64_t *order = last ? (int64_t *)z->data : pt_scratch(ctx, a.size * 8);
    if (!lines || !order)
        return pt_fail(ctx, PT_MEMORY, "[argsort] no memory");
    pt_heavy(ctx, 2.0 * pt_sort_work(&a));
    pt_scale(a.packed, ndim, size);
    if (!packed)
        pt_copy(lines, a.packed, x->data, a.x, a.shape, (int)ndim, size);
    for (int64_t i = 0; i < a.size && !status; i += a.n)
        status = ctx->svc->sort(ctx, (int)p[3], (int)p[4], lines + i * size, order + i, a.n);
    if (!last) {
        for (int64_t i = 0; i < ndim; i++)
            a.packed[i] = a.packed[i] / size * 8;
        pt_copy(z->data, a.z, (const char *)order, a.packed, a.shape, (int)ndim, 8);
    }
    return status;
}

#endif
