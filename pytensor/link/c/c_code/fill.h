/* Kernels that make arrays; their parameters are written in dispatch/alloc.py and joining.py. */
#ifndef PT_FILL_H
#define PT_FILL_H

#include "copy.h"
#include "range.h"
#include "views.h"

/* Lengths from 0-d inputs, whose dtypes are given. */
static inline void pt_read_lengths(pt_array *z, pt_array *const *lengths, const int64_t *dtypes, int64_t ndim)
{
    for (int64_t i = 0; i < ndim; i++)
        z->shape[i] = pt_read_int(lengths[i]->data, dtypes[i]);
}

/* ndim, itemsize; dtypes of the lengths */
PT_KERNEL(pt_alloc_empty)
{
    const int64_t *p = pt_parameters(program);
    pt_read_lengths(args[p[0]], args, p + 2, p[0]);
    return pt_alloc(ctx, args[p[0]], (int)p[0], p[1]);
}

/* One value everywhere: zero bytes are common and fastest. */
static int pt_fill_all(pt_array *z, const char *x, int64_t size, int64_t itemsize)
{
#define PT_FILL(T)                                                                                           \
    {                                                                                                        \
        const T value = *(const T *)x;                                                                       \
        T *to = (T *)z->data;                                                                                \
        if (value == 0)                                                                                      \
            memset(to, 0, (size_t)size * sizeof(T));                                                         \
        else                                                                                                 \
            for (int64_t i = 0; i < size; i++)                                                               \
                to[i] = value;                                                                               \
        return PT_OK;                                                                                        \
    }
    switch (itemsize) {
    case 1:
        PT_FILL(uint8_t)
    case 2:
        PT_FILL(uint16_t)
    case 4:
        PT_FILL(uint32_t)
    case 8:
        PT_FILL(uint64_t)
    default:
        for (int64_t i = 0; i < size; i++)
            memcpy(z->data + i * itemsize, x, (size_t)itemsize);
        return PT_OK;
    }
#undef PT_FILL
}

/* axes of z, itemsize, axes of the value, axes of the value that have length 1 by type (bits), whether they
   all do; dtypes of the lengths; the message about the others */
PT_KERNEL(pt_alloc_value)
{
    const int64_t *p = pt_parameters(program), ndim = p[0], shift = p[0] - p[2];
    const pt_array *x = args[0];
    pt_array *z = args[1 + ndim];
    int64_t strides[65] = {0};
    pt_read_lengths(z, args + 1, p + 5, ndim);
    for (int64_t i = 0; i < p[2]; i++) {
        if (p[3] >> i & 1)
            continue;
        const int64_t have = x->shape[i], want = z->shape[shift + i];
        strides[shift + i] = x->strides[i];
        if (PT_LIKELY(have == want))
            continue;
        if (have == 1)
            return pt_fail(ctx, PT_VALUE_ERROR, "[Alloc] %s", (const char *)(p + 5 + ndim));
        return pt_fail(ctx, PT_VALUE_ERROR,
                "[Alloc] value must broadcast to the shape, got length %lld for %lld on axis %d",
                (long long)have, (long long)want, (int)(shift + i));
    }
    int status = pt_alloc(ctx, z, (int)ndim, p[1]);
    if (status)
        return status;
    const int64_t size = pt_size(z, (int)ndim);
    pt_heavy(ctx, 0.5 * (double)size);
    if (p[4])
        return pt_fill_all(z, x->data, size, p[1]);
    pt_copy(z->data, z->strides, x->data, strides, z->shape, (int)ndim, p[1]);
    return PT_OK;
}

/* n, itemsize */
PT_KERNEL(pt_make_vector)
{
    const int64_t *p = pt_parameters(program);
    pt_array *z = args[p[0]];
    z->shape[0] = p[0];
    int status = pt_alloc(ctx, z, 1, p[1]);
    for (int64_t i = 0; status == PT_OK && i < p[0]; i++)
        memcpy(z->data + i * p[1], args[i]->data, (size_t)p[1]);
    return status;
}

/* ndim, itemsize */
PT_KERNEL(pt_deep_copy)
{
    const int64_t *p = pt_parameters(program);
    const pt_array *x = args[0];
    pt_array *z = args[1];
    pt_same_shape(z, x, (int)p[0]);
    int status = pt_alloc(ctx, z, (int)p[0], p[1]);
    if (status)
        return status;
    pt_heavy(ctx, (double)pt_size(x, (int)p[0]));
    pt_copy(z->data, z->strides, x->data, x->strides, x->shape, (int)p[0], p[1]);
    return PT_OK;
}

static int pt_range_alloc(pt_ctx *ctx, pt_array *z, int zero, int64_t n, int64_t itemsize)
{
    if (zero)
        return pt_fail(ctx, PT_ZERO_DIVISION, "[ARange] step must not be 0");
    if (n < 0)
        return pt_fail(ctx, PT_VALUE_ERROR, "[ARange] the length is not a number that fits");
    z->shape[0] = n;
    int status = pt_alloc(ctx, z, 1, itemsize);
    if (status == PT_OK)
        pt_heavy(ctx, (double)n);
    return status;
}

/* itemsize; dtypes of start, stop, step */
PT_KERNEL(pt_arange_int)
{
    const int64_t *p = pt_parameters(program);
    const int64_t start = pt_read_int(args[0]->data, p[1]), stop = pt_read_int(args[1]->data, p[2]);
    const int64_t step = pt_read_int(args[2]->data, p[3]);
    int64_t n = 0;
    /* Distances may be larger than the largest int64; a length that is, is negative here. */
    const uint64_t from = (uint64_t)start, by = (uint64_t)step;
    if (step > 0 && stop > start)
        n = (int64_t)(((uint64_t)stop - from - 1) / by + 1);
    else if (step < 0 && start > stop)
        n = (int64_t)((from - (uint64_t)stop - 1) / (0 - by) + 1);
    else if (step)
        n = 0;
    int status = pt_range_alloc(ctx, args[3], step == 0, n, p[0]);
    if (status)
        return status;
    char *to = args[3]->data;
    switch (p[0]) {
    case 1:
        for (int64_t i = 0; i < n; i++)
            ((int8_t *)to)[i] = (int8_t)(from + (uint64_t)i * by);
        return PT_OK;
    case 2:
        for (int64_t i = 0; i < n; i++)
            ((int16_t *)to)[i] = (int16_t)(from + (uint64_t)i * by);
        return PT_OK;
    case 4:
        for (int64_t i = 0; i < n; i++)
            ((int32_t *)to)[i] = (int32_t)(from + (uint64_t)i * by);
        return PT_OK;
    default:
        for (int64_t i = 0; i < n; i++)
            ((int64_t *)to)[i] = (int64_t)(from + (uint64_t)i * by);
        return PT_OK;
    }
}

/* As NumPy counts: from the distance of the first two elements, in double precision. */
#define PT_ARANGE(NAME, T)                                                                                   \
    PT_KERNEL(NAME)                                                                                          \
    {                                                                                                        \
        (void)program;                                                                                       \
        const T start = *(const T *)args[0]->data, stop = *(const T *)args[1]->data;                         \
        const T step = *(const T *)args[2]->data, delta = (start + step) - start;                            \
        const int64_t n = step == 0 ? 0 : pt_range_length((double)((stop - start) / step));                  \
        int status = pt_range_alloc(ctx, args[3], step == 0, n, sizeof(T));                                  \
        for (int64_t i = 0; status == PT_OK && i < n; i++)                                                   \
            ((T *)args[3]->data)[i] = (T)((double)start + (double)i * (double)delta);                        \
        return status;                                                                                       \
    }
PT_ARANGE(pt_arange_f64, double)
PT_ARANGE(pt_arange_f32, float)
#undef PT_ARANGE

/* itemsize; dtypes of the two lengths and of the diagonal; the element 1 (two words) */
PT_KERNEL(pt_eye)
{
    const int64_t *p = pt_parameters(program), k = pt_read_int(args[2]->data, p[3]);
    pt_array *z = args[3];
    pt_read_lengths(z, args, p + 1, 2);
    int status = pt_alloc(ctx, z, 2, p[0]);
    if (status)
        return status;
    const int64_t rows = z->shape[0], columns = z->shape[1];
    memset(z->data, 0, (size_t)(rows * columns * p[0]));
    /* Also where -k or i + k would not fit. */
    for (int64_t i = k >= 0 ? 0 : k <= -rows ? rows : -k; i < rows && k < columns - i; i++)
        memcpy(z->data + (i * columns + i + k) * p[0], p + 4, (size_t)p[0]);
    return PT_OK;
}

/* n, ndim, axis, itemsize */
PT_KERNEL(pt_join)
{
    const int64_t *p = pt_parameters(program), n = p[0], axis = p[2];
    const int ndim = (int)p[1];
    pt_array *z = args[n];
    pt_same_shape(z, args[0], ndim);
    for (int64_t i = 1; i < n; i++) {
        for (int k = 0; k < ndim; k++)
            if (k != axis && args[i]->shape[k] != args[0]->shape[k])
                return pt_fail(ctx, PT_VALUE_ERROR,
                        "[Join] all the input array dimensions except for the concatenation axis (%d) must "
                        "match exactly, got length %lld and %lld on axis %d of inputs 0 and %d",
                        (int)axis, (long long)args[0]->shape[k], (long long)args[i]->shape[k], k, (int)i);
        if (__builtin_add_overflow(z->shape[axis], args[i]->shape[axis], &z->shape[axis]))
            return pt_fail(ctx, PT_MEMORY, "an array of this shape does not fit in memory");
    }
    int status = pt_alloc(ctx, z, ndim, p[3]);
    if (status)
        return status;
    pt_heavy(ctx, (double)pt_size(z, ndim));
    char *at = z->data;
    for (int64_t i = 0; i < n; i++) {
        const pt_array *x = args[i];
        pt_copy(at, z->strides, x->data, x->strides, x->shape, ndim, p[3]);
        at += z->strides[axis] * x->shape[axis];
    }
    return PT_OK;
}

/* n, ndim, axis, dtype of the lengths */
PT_KERNEL(pt_split)
{
    const int64_t *p = pt_parameters(program), n = p[0], axis = p[2];
    const pt_array *x = args[0], *lengths = args[1];
    int64_t start = 0;
    if (lengths->shape[0] != n)
        return pt_fail(ctx, PT_VALUE_ERROR, "Length of splits is not equal to n_splits, got %lld and %lld",
                (long long)lengths->shape[0], (long long)n);
    for (int64_t i = 0; i < n; i++) {
        pt_array *z = args[2 + i];
        const int64_t length = pt_read_int(lengths->data + i * lengths->strides[0], p[3]);
        if (length < 0)
            return pt_fail(ctx, PT_VALUE_ERROR, "Split sizes cannot be negative");
        if (length > x->shape[axis] - start) {
            /* The sum, unless it does not fit. */
            start = length > INT64_MAX - start ? INT64_MAX : start + length;
            break;
        }
        pt_view(z, x, (int)p[1]);
        z->data += start * x->strides[axis];
        z->shape[axis] = length;
        start += length;
    }
    if (start != x->shape[axis])
        return pt_fail(ctx, PT_VALUE_ERROR, "Split sizes sum to %lld; expected %lld (axis %d)",
                (long long)start, (long long)x->shape[axis], (int)axis);
    return PT_OK;
}

/* outputs, size of the condition's elements, whether they are floating point; ndim and itemsize of each */
PT_KERNEL(pt_if_else)
{
    const int64_t *p = pt_parameters(program), n = p[0];
    const char *at = args[0]->data;
    int yes = 0;
    if (p[2])
        yes = p[1] == 4 ? *(const float *)at != 0 : *(const double *)at != 0;
    else
        for (int64_t k = 0; k < p[1]; k++)
            yes |= at[k] != 0;
    for (int64_t i = 0; i < n; i++) {
        const pt_array *x = args[1 + i + (yes ? 0 : n)];
        pt_array *z = args[1 + 2 * n + i];
        const int ndim = (int)p[3 + 2 * i];
        pt_same_shape(z, x, ndim);
        int status = pt_alloc(ctx, z, ndim, p[4 + 2 * i]);
        if (status)
            return status;
        pt_heavy(ctx, (double)pt_size(z, ndim));
        pt_copy(z->data, z->strides, x->data, x->strides, z->shape, ndim, p[4 + 2 * i]);
    }
    return PT_OK;
}

/* ndim, itemsize, axis, dtype of the counts */
PT_KERNEL(pt_repeat)
{
    const int64_t *p = pt_parameters(program), axis = p[2];
    const int ndim = (int)p[0];
    const pt_array *x = args[0], *counts = args[1];
    pt_array *z = args[2];
    const int64_t length = x->shape[axis], next = counts->shape[0] == 1 ? 0 : counts->strides[0];
    int64_t total = 0, shape[65], strides[65];
    if (counts->shape[0] != length && counts->shape[0] != 1)
        return pt_fail(ctx, PT_VALUE_ERROR, "[Repeat] repeats must have length %lld, got %lld",
                (long long)length, (long long)counts->shape[0]);
    for (int64_t i = 0; i < length; i++) {
        const int64_t count = pt_read_int(counts->data + i * next, p[3]);
        if (count < 0)
            return pt_fail(ctx, PT_VALUE_ERROR, "[Repeat] repeats may not contain negative values");
        if (count > INT64_MAX - total)
            return pt_fail(ctx, PT_MEMORY, "[Repeat] the repeated elements do not fit in memory");
        total += count;
    }
    pt_same_shape(z, x, ndim);
    z->shape[axis] = total;
    int status = pt_alloc(ctx, z, ndim, p[1]);
    if (status)
        return status;
    pt_heavy(ctx, (double)pt_size(z, ndim));
    for (int k = 0; k < ndim; k++) {
        shape[k] = x->shape[k];
        strides[k] = x->strides[k];
    }
    strides[axis] = 0;
    char *to = z->data;
    for (int64_t i = 0; i < length; i++) {
        shape[axis] = pt_read_int(counts->data + i * next, p[3]);
        pt_copy(to, z->strides, x->data + i * x->strides[axis], strides, shape, ndim, p[1]);
        to += shape[axis] * z->strides[axis];
    }
    return PT_OK;
}

#endif
