/* Integer and slice indices, with NumPy's rules. */
#ifndef PT_INDEX_H
#define PT_INDEX_H

#include "pytensor.h"

/* An absent start, stop or step. */
#define PT_ABSENT INT64_MIN

/* Make an index non-negative, or fail as NumPy does. */
static inline int pt_check_index(pt_ctx *ctx, int64_t *i, int64_t n, int axis)
{
    int64_t given = *i;
    if (given < 0)
        *i = given + n;
    if (PT_UNLIKELY(*i < 0 || *i >= n))
        return pt_fail(ctx, PT_INDEX_ERROR, "index %lld is out of bounds for axis %d with size %lld",
                (long long)given, axis, (long long)n);
    return PT_OK;
}

static inline int64_t pt_clip(int64_t i, int64_t low, int64_t high)
{
    return i < low ? low : i > high ? high : i;
}

/* First element, step and length of a slice of an axis of length n. */
static inline int pt_slice(
        pt_ctx *ctx, int64_t start, int64_t stop, int64_t *step, int64_t n, int64_t *first, int64_t *length)
{
    if (*step == PT_ABSENT)
        *step = 1;
    if (*step == 0)
        return pt_fail(ctx, PT_VALUE_ERROR, "slice step cannot be zero");
    int up = *step > 0;
    int64_t low = up ? 0 : -1, high = up ? n : n - 1;
    if (start == PT_ABSENT)
        start = up ? 0 : n - 1;
    else
        start = pt_clip(start < 0 ? start + n : start, low, high);
    if (stop == PT_ABSENT)
        stop = up ? n : -1;
    else
        stop = pt_clip(stop < 0 ? stop + n : stop, low, high);
    int64_t distance = up ? stop - start : start - stop;
    uint64_t stride = up ? (uint64_t)*step : 0 - (uint64_t)*step;
    *length = distance <= 0 ? 0 : (int64_t)(((uint64_t)distance - 1) / stride + 1);
    *first = *length ? start : 0;
    if (*length <= 1)
        *step = up ? 1 : -1;
    return PT_OK;
}

/* Restrict axis `axis` of x (data, n, stride) to one index: the data moves. */
static inline int pt_take_index(pt_ctx *ctx, char **data, int64_t i, int64_t n, int64_t stride, int axis)
{
    int status = pt_check_index(ctx, &i, n, axis);
    *data += status ? 0 : i * stride;
    return status;
}

/* Restrict an axis to a slice: data, length and stride of the result. */
static inline int pt_take_slice(pt_ctx *ctx, char **data, int64_t start, int64_t stop, int64_t step,
        int64_t n, int64_t stride, int64_t *length, int64_t *new_stride)
{
    int64_t first;
    int status = pt_slice(ctx, start, stop, &step, n, &first, length);
    if (status)
        return status;
    *data += first * stride;
    *new_stride = step * stride;
    return PT_OK;
}

#endif
