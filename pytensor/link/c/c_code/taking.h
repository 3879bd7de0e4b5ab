/* Kernels of indexing by integer arrays that stand side by side; parameters: dispatch/advanced.py.

   The arrays are turned into one table of byte offsets, checked once; then elements or blocks move. */
#ifndef PT_TAKING_H
#define PT_TAKING_H

#include "indexing.h"

/* What is known about the index. */
typedef struct {
    int64_t axis, n, ndim; /* first indexed axis, index arrays, axes of them all together */
    const int64_t *arrays; /* of each: number of the input, axes, dtype */
    int64_t lengths[65];
    int64_t total;
    int64_t *offset;
} pt_take;

static int pt_take_lengths(pt_ctx *ctx, pt_array *const *args, pt_take *t)
{
    for (int64_t k = 0; k < t->ndim; k++)
        t->lengths[k] = 1;
    for (int64_t j = 0; j < t->n; j++) {
        const pt_array *index = args[t->arrays[3 * j]];
        const int64_t ndim = t->arrays[3 * j + 1], shift = t->ndim - ndim;
        for (int64_t k = 0; k < ndim; k++) {
            int64_t *length = &t->lengths[k + shift];
            if (*length == 1)
                *length = index->shape[k];
            else if (index->shape[k] != 1 && index->shape[k] != *length)
                return pt_fail(ctx, PT_INDEX_ERROR,
                        "shape mismatch: indexing arrays could not be broadcast together");
        }
    }
    t->total = 1;
    for (int64_t k = 0; k < t->ndim; k++)
        t->total *= t->lengths[k];
    return PT_OK;
}

/* Contiguous indices, without a branch for each: returns whether all are within the axis. */
#define PT_TAKE_ALL(T)                                                                                       \
    for (int64_t n = 0; n < total; n++) {                                                                    \
        int64_t i = ((const T *)index)[n];                                                                   \
        i += i >> 63 & length;                                                                               \
        outside |= (uint64_t)i >= (uint64_t)length;                                                          \
        offset[n] = (int64_t)((uint64_t)i * (uint64_t)stride);                                               \
    }                                                                                                        \
    return !outside

static int pt_take_all(
        const char *index, int64_t itemsize, int64_t total, int64_t length, int64_t stride, int64_t *offset)
{
    int64_t outside = 0;
    if (itemsize == 4) {
        PT_TAKE_ALL(int32_t);
    }
    PT_TAKE_ALL(int64_t);
}

#undef PT_TAKE_ALL

/* One array of at most one axis. */
static int pt_take_line(pt_ctx *ctx, const pt_array *index, int64_t dtype, const pt_array *x, pt_take *t)
{
    const int64_t step = t->ndim ? index->strides[0] : 0, length = x->shape[t->axis];
    const int64_t stride = x->strides[t->axis], itemsize = dtype == PT_I64 ? 8 : dtype == PT_I32 ? 4 : 0;
    const char *at = index->data;
    if (step == itemsize && itemsize && pt_take_all(at, itemsize, t->total, length, stride, t->offset))
        return PT_OK;
    for (int64_t n = 0; n < t->total; n++, at += step) {
        int64_t i = pt_read_int(at, dtype);
        int status = pt_check_index(ctx, &i, length, (int)t->axis);
        if (PT_UNLIKELY(status))
            return status;
        t->offset[n] = i * stride;
    }
    return PT_OK;
}

static int pt_take_offset(pt_ctx *ctx, pt_array *const *args, const pt_array *x, const pt_take *t,
        const int64_t *at, int64_t *sum)
{
    *sum = 0;
    for (int64_t j = 0; j < t->n; j++) {
        const pt_array *index = args[t->arrays[3 * j]];
        const int64_t ndim = t->arrays[3 * j + 1], shift = t->ndim - ndim, axis = t->axis + j;
        const char *place = index->data;
        for (int64_t k = 0; k < ndim; k++)
            place += index->shape[k] == 1 ? 0 : at[k + shift] * index->strides[k];
        int64_t i = pt_read_int(place, t->arrays[3 * j + 2]);
        int status = pt_check_index(ctx, &i, x->shape[axis], (int)axis);
        if (PT_UNLIKELY(status))
            return status;
        *sum += i * x->strides[axis];
    }
    return PT_OK;
}

/* The next place of an array, in C order. */
static inline void pt_take_next(int64_t *at, const int64_t *lengths, int64_t ndim)
{
    for (int64_t k = ndim - 1; k >= 0 && ++at[k] == lengths[k]; k--)
        at[k] = 0;
}

/* p: first indexed axis, arrays, axes of them all together; of each array the input, its axes, its dtype. */
static int pt_take_read(pt_ctx *ctx, pt_array *const *args, const int64_t *p, const pt_array *x, pt_take *t)
{
    int64_t at[65] = {0};
    t->axis = p[0], t->n = p[1], t->ndim = p[2], t->arrays = p + 3;
    int status = pt_take_lengths(ctx, args, t);
    if (status)
        return status;
    if (!(t->offset = pt_scratch(ctx, (t->total + 1) * 8)))
        return pt_fail(ctx, PT_MEMORY, "no memory for indices");
    if (t->n == 1 && t->ndim <= 1)
        return pt_take_line(ctx, args[t->arrays[0]], t->arrays[2], x, t);
    for (int64_t n = 0; n < t->total; n++, pt_take_next(at, t->lengths, t->ndim))
        if ((status = pt_take_offset(ctx, args, x, t, at, &t->offset[n])))
            return status;
    return PT_OK;
}

/* Single elements. */
static void pt_take_elements(char *to, const char *from, const int64_t *offset, int64_t n, int64_t itemsize)
{
#define PT_TAKE(T)                                                                                           \
    for (int64_t i = 0; i < n; i++)                                                                          \
        ((T *)to)[i] = *(const T *)(from + offset[i]);                                                       \
    return
    switch (itemsize) {
    case 1:
        PT_TAKE(uint8_t);
    case 2:
        PT_TAKE(uint16_t);
    case 4:
        PT_TAKE(uint32_t);
    case 8:
        PT_TAKE(uint64_t);
    default:
        PT_TAKE(pt_bytes16);
    }
#undef PT_TAKE
}

/* inputs, axes of x, itemsize; the index */
PT_KERNEL(pt_advanced_subtensor)
{
    const int64_t *p = pt_parameters(program), itemsize = p[2];
    const pt_array *x = args[0];
    pt_array *z = args[p[0]];
    pt_take t;
    int status = pt_take_read(ctx, args, p + 3, x, &t);
    if (status)
        return status;
    const int64_t first = t.axis, behind = t.axis + t.n, rest = p[1] - behind, ndim = first + t.ndim + rest;
    int64_t block = itemsize, outer = 1, at[65] = {0};
    for (int64_t k = 0; k < first; k++)
        outer *= z->shape[k] = x->shape[k];
    for (int64_t k = 0; k < t.ndim; k++)
        z->shape[first + k] = t.lengths[k];
    for (int64_t k = 0; k < rest; k++)
        block *= z->shape[first + t.ndim + k] = x->shape[behind + k];
    if ((status = pt_alloc(ctx, z, (int)ndim, itemsize)))
        return status;
    pt_heavy(ctx, 2.0 * (double)pt_size(z, (int)ndim));
    char *to = z->data;
    for (int64_t o = 0; o < outer; o++, pt_take_next(at, x->shape, first)) {
        const char *from = x->data;
        for (int64_t k = 0; k < first; k++)
            from += at[k] * x->strides[k];
        if (rest == 0) {
            pt_take_elements(to, from, t.offset, t.total, itemsize);
            to += t.total * block;
            continue;
        }
        for (int64_t i = 0; i < t.total; i++, to += block)
            pt_copy(to, z->strides + first + t.ndim, from + t.offset[i], x->strides + behind,
                    x->shape + behind, (int)rest, itemsize);
    }
    return PT_OK;
}

/* Strides of y along the axes of the region; a length that only turns out to be 1 at run time is not
 * repeated. */
static int pt_strict_strides(pt_ctx *ctx, const pt_array *y, int64_t y_ndim, int64_t ones,
        const int64_t *shape, int64_t ndim, int64_t *ys)
{
    for (int64_t i = 0, k = ndim - y_ndim; i < y_ndim; i++, k++) {
        if (ones >> i & 1)
            continue;
        if (y->shape[i] != shape[k])
            return y->shape[i] == 1
                           ? pt_fail(ctx, PT_VALUE_ERROR,
                                     "[AdvancedIncSubtensor] Runtime broadcasting not allowed. y had a "
                                     "length "
                                     "of 1 on axis %d that was not marked as broadcastable.",
                                     (int)i)
                           : pt_fail(ctx, PT_VALUE_ERROR,
                                     "[AdvancedIncSubtensor] y must broadcast to the indexed region, got "
                                     "length %lld for %lld on axis %d",
                                     (long long)y->shape[i], (long long)shape[k], (int)k);
        ys[k] = y->strides[i];
    }
    return PT_OK;
}

/* All of the index, at one place before it: later writes to one element come later. */
static void pt_scatter(char *to, const char *from, const pt_array *z, const int64_t *shape, const int64_t *ys,
        const pt_take *t, int64_t rest, int64_t add, int64_t itemsize)
{
    int64_t at[65] = {0};
    const int64_t *zs = z->strides + t->axis + t->n, *below = ys + t->axis + t->ndim;
    if (rest == 0 && t->ndim == 1 && add) {
        pt_adds_at[add](to, t->offset, from, ys[t->axis], t->total);
        return;
    }
    for (int64_t n = 0; n < t->total; n++, pt_take_next(at, t->lengths, t->ndim)) {
        const char *y = from;
        for (int64_t k = 0; k < t->ndim; k++)
            y += at[k] * ys[t->axis + k];
        if (add)
            pt_add_all(
                    pt_add_lines[add], to + t->offset[n], zs, y, below, shape + t->axis + t->ndim, (int)rest);
        else
            pt_copy(to + t->offset[n], zs, y, below, shape + t->axis + t->ndim, (int)rest, itemsize);
    }
}

/* inputs, axes of x, itemsize, whether in place, dtype to add (0: set), axes of y, axes of y that have length
   1 by type (bits); the index */
PT_KERNEL(pt_advanced_inc_subtensor)
{
    const int64_t *p = pt_parameters(program);
    const pt_array *y = args[1];
    pt_array *z = args[p[0]];
    pt_take t;
    int64_t shape[130], ys[130] = {0}, at[65] = {0}, outer = 1;
    int status = pt_start_from(ctx, args[0], z, (int)p[1], p[2], p[3]);
    if (status || (status = pt_take_read(ctx, args, p + 7, z, &t)))
        return status;
    const int64_t first = t.axis, behind = t.axis + t.n, rest = p[1] - behind, ndim = first + t.ndim + rest;
    for (int64_t k = 0; k < first; k++)
        outer *= shape[k] = z->shape[k];
    for (int64_t k = 0; k < t.ndim; k++)
        shape[first + k] = t.lengths[k];
    for (int64_t k = 0; k < rest; k++)
        shape[first + t.ndim + k] = z->shape[behind + k];
    if ((status = pt_strict_strides(ctx, y, p[5], p[6], shape, ndim, ys)))
        return status;
    pt_heavy(ctx, 2.0 * (double)pt_size(y, (int)p[5]));
    for (int64_t o = 0; o < outer; o++, pt_take_next(at, z->shape, first)) {
        char *to = z->data;
        const char *from = y->data;
        for (int64_t k = 0; k < first; k++) {
            to += at[k] * z->strides[k];
            from += at[k] * ys[k];
        }
        pt_scatter(to, from, z, shape, ys, &t, rest, p[4], p[2]);
    }
    return PT_OK;
}

#endif
