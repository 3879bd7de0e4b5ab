/* Where an index of arrays, masks and slices points: byte offsets into x, each checked.

   The parameters of an index, written in dispatch/advanced.py: entries, axes of x, axes of all index arrays
   together, whether slices stand between arrays (their axes come first then); of each entry its kind and
   three numbers: the parts of a slice; input and dtype of an array, and its axes; the same of a mask. */
#ifndef PT_POSITIONS_H
#define PT_POSITIONS_H

#include "indexing.h"

enum { PT_MASK = 3, PT_TAKE_CHUNK = 512 };

/* One index array; a mask becomes one of offsets (dtype 0). */
typedef struct {
    const char *data;
    const int64_t *shape, *strides;
    int64_t dtype, ndim;
    int64_t length, stride; /* of the axis of x */
    int64_t axis;
    int64_t step;  /* bytes from one to the next in the order of the whole index; -1: not a line */
    int64_t count; /* length of a mask's offsets */
} pt_positions;

typedef struct {
    int64_t n, ndim, total, before, after;
    int64_t lengths[65];            /* of the axes of all index arrays together */
    int64_t shape[65], strides[65]; /* of the sliced axes: `before` in front of the arrays', `after` behind */
    char *data;                     /* of x, at the first element of its slices */
    const int64_t *table;           /* all offsets, if there is a table */
    int64_t chunk[PT_TAKE_CHUNK];
    pt_positions index[65];
} pt_take;

static int64_t pt_count_true(const char *mask, int64_t stride, int64_t n)
{
    int64_t count = 0;
    if (stride == 1)
        for (int64_t i = 0; i < n; i++)
            count += mask[i] != 0;
    else
        for (int64_t i = 0; i < n; i++)
            count += mask[i * stride] != 0;
    return count;
}

/* Offsets of the true elements of a line: written always, kept if true. Returns where the next one goes. */
static int64_t *pt_offsets_true(
        int64_t *to, const int64_t *end, const char *mask, int64_t ms, int64_t n, int64_t at, int64_t stride)
{
    for (int64_t i = 0; i < n && to < end; i++, at += stride) {
        *to = at;
        to += mask[i * ms] != 0;
    }
    return to;
}

static int pt_mask_misfit(pt_ctx *ctx, int64_t axis, int64_t length, int64_t given)
{
    return pt_fail(ctx, PT_INDEX_ERROR,
            "boolean index did not match indexed array along axis %d; size of axis is %lld but size of "
            "corresponding boolean axis is %lld",
            (int)axis, (long long)length, (long long)given);
}

/* The mask `m` on the axes of x from `axis` on, as an array of offsets. */
static int pt_take_mask(pt_ctx *ctx, const pt_array *m, int64_t ndim, const pt_array *x, pt_positions *index)
{
    int64_t shape[65], ms[65], xs[65], at[65] = {0}, k = 0, lines = 1, count = 0;
    for (int64_t i = 0; i < ndim; i++) {
        const int64_t length = m->shape[i];
        if (PT_UNLIKELY(length != x->shape[index->axis + i]))
            return pt_mask_misfit(ctx, index->axis + i, x->shape[index->axis + i], length);
        const int64_t stride = x->strides[index->axis + i];
        /* Axes that are one in both. */
        if (k && ms[k - 1] == length * m->strides[i] && xs[k - 1] == length * stride)
            k--, shape[k] *= length;
        else
            shape[k] = length;
        ms[k] = m->strides[i], xs[k] = stride, k++;
    }
    for (int64_t i = 0; i < k - 1; i++)
        lines *= shape[i];
    pt_heavy(ctx, (double)(lines * shape[k - 1]));
    for (int pass = 0; pass < 2; pass++) {
        int64_t *to = NULL, *end = NULL;
        if (pass) {
            if (!(to = pt_scratch(ctx, (count + 1) * 8)))
                return pt_fail(ctx, PT_MEMORY, "no memory for indices");
            index->data = (char *)to, end = to + count;
        }
        for (int64_t n = 0; n < lines; n++) {
            int64_t mask = 0, offset = 0;
            for (int64_t i = 0; i < k - 1; i++)
                mask += at[i] * ms[i], offset += at[i] * xs[i];
            if (pass)
                to = pt_offsets_true(to, end, m->data + mask, ms[k - 1], shape[k - 1], offset, xs[k - 1]);
            else
                count += pt_count_true(m->data + mask, ms[k - 1], shape[k - 1]);
            for (int64_t i = k - 2; i >= 0 && ++at[i] == shape[i]; i--)
                at[i] = 0;
        }
        /* Less if somebody wrote to the mask meanwhile. */
        if (pass)
            index->count = to - (const int64_t *)(const void *)index->data;
    }
    index->shape = &index->count, index->strides = NULL, index->dtype = 0, index->ndim = 1;
    return PT_OK;
}

static int pt_take_lengths(pt_ctx *ctx, pt_take *t)
{
    for (int64_t k = 0; k < t->ndim; k++)
        t->lengths[k] = 1;
    for (int64_t j = 0; j < t->n; j++) {
        const pt_positions *index = &t->index[j];
        for (int64_t k = 0; k < index->ndim; k++) {
            int64_t *length = &t->lengths[k + t->ndim - index->ndim];
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

static const int8_t pt_index_size[] = {8, 1, 2, 4, 8, 1, 2, 4, 8};

/* Bytes from one element to the next if `ndim` axes of these strides lie as one line; -1 otherwise. */
static int64_t pt_line_step(const int64_t *shape, const int64_t *strides, int64_t ndim)
{
    int64_t step = 0, next = 0, seen = 0;
    for (int64_t k = ndim - 1; k >= 0; k--) {
        if (shape[k] == 1)
            continue;
        if (!seen)
            step = strides[k], seen = 1;
        else if (strides[k] != next)
            return -1;
        next = strides[k] * shape[k];
    }
    return step < 0 ? -1 : step;
}

static int64_t pt_positions_step(const pt_positions *index, const pt_take *t)
{
    int64_t ones = 1;
    for (int64_t k = 0; k < index->ndim; k++)
        ones &= index->shape[k] == 1;
    if (ones)
        return 0;
    for (int64_t k = 0; k < t->ndim; k++) {
        const int64_t i = k - (t->ndim - index->ndim);
        if ((i < 0 ? 1 : index->shape[i]) != t->lengths[k])
            return -1;
    }
    return index->dtype ? pt_line_step(index->shape, index->strides, index->ndim) : 8;
}

/* Offsets of n indices along a line; returns whether one of them is outside of its axis. */
static int pt_offsets(
        int64_t *offset, const pt_positions *index, const char *at, int64_t step, int64_t n, int add)
{
    const uint64_t length = (uint64_t)index->length, stride = (uint64_t)index->stride;
    uint64_t outside = 0;
#define PT_OFFSETS(READ)                                                                                     \
    do {                                                                                                     \
        if (add)                                                                                             \
            for (int64_t k = 0; k < n; k++) {                                                                \
                int64_t i = READ;                                                                            \
                i += i >> 63 & (int64_t)length;                                                              \
                outside |= (uint64_t)i >= length;                                                            \
                offset[k] += (int64_t)((uint64_t)i * stride);                                                \
            }                                                                                                \
        else                                                                                                 \
            for (int64_t k = 0; k < n; k++) {                                                                \
                int64_t i = READ;                                                                            \
                i += i >> 63 & (int64_t)length;                                                              \
                outside |= (uint64_t)i >= length;                                                            \
                offset[k] = (int64_t)((uint64_t)i * stride);                                                 \
            }                                                                                                \
    } while (0)
    if (index->dtype == 0)
        for (int64_t k = 0; k < n; k++) {
            const int64_t o = *(const int64_t *)(at + k * step);
            offset[k] = add ? offset[k] + o : o;
        }
    else if (step == 0) {
        const int64_t one = pt_read_int(at, index->dtype);
        PT_OFFSETS(one);
    } else if (index->dtype == PT_I64 && step == 8)
        PT_OFFSETS(((const int64_t *)at)[k]);
    else if (index->dtype == PT_I32 && step == 4)
        PT_OFFSETS(((const int32_t *)at)[k]);
    else
        PT_OFFSETS(pt_read_int(at + k * step, index->dtype));
#undef PT_OFFSETS
    return outside != 0;
}

/* Where the element number `at` of the whole index is in an array that is not a line. */
static const char *pt_positions_at(const pt_positions *index, const pt_take *t, int64_t at)
{
    const char *place = index->data;
    for (int64_t k = t->ndim - 1; k >= 0; k--) {
        const int64_t i = k - (t->ndim - index->ndim), here = at % t->lengths[k];
        if (i >= 0 && index->shape[i] != 1)
            place += here * (index->dtype ? index->strides[i] : 8);
        at /= t->lengths[k];
    }
    return place;
}

/* The offsets from number `start` on; returns whether there is one outside. */
static int pt_take_fill(const pt_take *t, int64_t start, int64_t n, int64_t *offset)
{
    int outside = 0;
    for (int64_t j = 0; j < t->n; j++) {
        const pt_positions *index = &t->index[j];
        if (index->step >= 0) {
            outside |= pt_offsets(offset, index, index->data + start * index->step, index->step, n, j > 0);
            continue;
        }
        /* One line after another. */
        const int64_t last = t->lengths[t->ndim - 1], i = index->ndim - 1;
        const int64_t step = index->shape[i] == 1 ? 0 : index->dtype ? index->strides[i] : 8;
        for (int64_t done = 0, m; done < n; done += m) {
            m = last - (start + done) % last;
            m = m < n - done ? m : n - done;
            outside |=
                    pt_offsets(offset + done, index, pt_positions_at(index, t, start + done), step, m, j > 0);
        }
    }
    return outside;
}

/* The error for an index outside. An index of no element is checked as far as NumPy does: its numbers. */
static int pt_take_outside(pt_ctx *ctx, const pt_take *t)
{
    for (int64_t j = 0; j < t->n; j++) {
        const pt_positions *index = &t->index[j];
        int64_t at[65] = {0}, n = t->total || !index->ndim;
        for (int64_t k = 0; k < index->ndim; k++)
            n *= index->shape[k];
        for (; n > 0 && index->dtype; n--) {
            const char *place = index->data;
            for (int64_t k = 0; k < index->ndim; k++)
                place += at[k] * index->strides[k];
            int64_t i = pt_read_int(place, index->dtype);
            const int status = pt_check_index(ctx, &i, index->length, (int)index->axis);
            if (status)
                return status;
            for (int64_t k = index->ndim - 1; k >= 0 && ++at[k] == index->shape[k]; k--)
                at[k] = 0;
        }
    }
    return PT_OK;
}

/* The size of a direct index: one line of int32 or int64, whose elements lie side by side; 0 if it is not. */
static int64_t pt_take_direct(const pt_take *t)
{
    const pt_positions *index = t->index;
    const int64_t size = index->dtype == PT_I64 ? 8 : index->dtype == PT_I32 ? 4 : 0;
    return t->n == 1 && size && index->step == size ? size : 0;
}

/* What is known of some elements of a direct index: whether one is outside, whether one is negative. */
typedef struct {
    int outside, negative;
} pt_direct;

/* One of the differences is negative for an index that is outside, also if it wraps. */
static pt_direct pt_direct_check(const pt_positions *index, int64_t start, int64_t n)
{
    const uint64_t length = (uint64_t)index->length;
    uint64_t outside = 0, any = 0;
    if (index->dtype == PT_I64) {
        const uint64_t *at = (const uint64_t *)index->data + start;
        for (int64_t k = 0; k < n; k++) {
            any |= at[k];
            outside |= (length - 1 - at[k]) | (at[k] + length);
        }
    } else {
        const int32_t *at = (const int32_t *)index->data + start;
        for (int64_t k = 0; k < n; k++) {
            const uint64_t i = (uint64_t)at[k];
            any |= i;
            outside |= (length - 1 - i) | (i + length);
        }
    }
    return (pt_direct){outside >> 63, any >> 63};
}

/* Check all before the first write to memory that must stay as it is after an error. */
static int pt_take_check(pt_ctx *ctx, pt_take *t)
{
    if (t->table)
        return PT_OK;
    if (pt_take_direct(t))
        return pt_direct_check(t->index, 0, t->total).outside ? pt_take_outside(ctx, t) : PT_OK;
    int outside = 0;
    for (int64_t start = 0; start < t->total; start += PT_TAKE_CHUNK) {
        const int64_t n = t->total - start;
        outside |= pt_take_fill(t, start, n < PT_TAKE_CHUNK ? n : PT_TAKE_CHUNK, t->chunk);
    }
    return outside ? pt_take_outside(ctx, t) : PT_OK;
}

/* The offsets from `start` on, at most PT_TAKE_CHUNK; NULL if one is outside. */
static inline const int64_t *pt_take_offsets(pt_take *t, int64_t start, int64_t n)
{
    if (t->table)
        return t->table + start;
    return pt_take_fill(t, start, n, t->chunk) ? NULL : t->chunk;
}

/* A table is read again for each place before the arrays; few indices always have one. */
static int pt_take_table(pt_ctx *ctx, pt_take *t)
{
    int64_t outer = 1, *table = t->chunk;
    for (int64_t k = 0; k < t->before; k++)
        outer *= t->shape[k];
    t->table = NULL;
    if (t->total == 0)
        return pt_take_outside(ctx, t);
    if (t->n == 1 && t->index[0].dtype == 0) {
        t->table = (const int64_t *)t->index[0].data;
        return PT_OK;
    }
    if (outer <= 1 && (t->total > PT_TAKE_CHUNK || pt_take_direct(t)))
        return PT_OK;
    if (t->total > PT_TAKE_CHUNK) {
        if (!(table = pt_scratch(ctx, t->total * 8)))
            return pt_fail(ctx, PT_MEMORY, "no memory for indices");
    }
    if (pt_take_fill(t, 0, t->total, table))
        return pt_take_outside(ctx, t);
    t->table = table;
    return PT_OK;
}

static void pt_take_axis(pt_take *t, int64_t length, int64_t stride, int whole_index_seen)
{
    t->shape[t->before + t->after] = length;
    t->strides[t->before + t->after] = stride;
    if (whole_index_seen)
        t->after++;
    else
        t->before++;
}

/* Read the index of `x`; p: its parameters. */
static int pt_take_read(pt_ctx *ctx, pt_array *const *args, const int64_t *p, const pt_array *x, pt_take *t)
{
    const int64_t n = p[0], ndim = p[1];
    int seen = (int)p[3], status;
    int64_t axis = 0;
    t->n = 0, t->ndim = p[2], t->before = 0, t->after = 0, t->data = x->data;
    p += 4;
    for (int64_t i = 0; i < n; i++, p += 4) {
        const int64_t length = x->shape[axis], stride = x->strides[axis];
        if (p[0] == PT_WHOLE)
            pt_take_axis(t, length, stride, seen);
        else if (p[0] == PT_SLICE) {
            int64_t new_length, new_stride;
            if ((status = pt_take_slice(ctx, &t->data, pt_index_part(args, p[1]), pt_index_part(args, p[2]),
                         pt_index_part(args, p[3]), length, stride, &new_length, &new_stride)))
                return status;
            pt_take_axis(t, new_length, new_stride, seen);
        } else {
            const pt_array *given = args[p[1] >> 8];
            pt_positions *index = &t->index[t->n++];
            seen = 1;
            index->axis = axis;
            if (p[0] == PT_MASK) {
                if ((status = pt_take_mask(ctx, given, p[2], x, index)))
                    return status;
                axis += p[2];
                continue;
            }
            index->data = given->data, index->shape = given->shape, index->strides = given->strides;
            index->dtype = p[1] & 255, index->ndim = p[2], index->length = length, index->stride = stride;
        }
        axis++;
    }
    for (; axis < ndim; axis++)
        pt_take_axis(t, x->shape[axis], x->strides[axis], seen);
    if ((status = pt_take_lengths(ctx, t)))
        return status;
    for (int64_t j = 0; j < t->n; j++)
        t->index[j].step = pt_positions_step(&t->index[j], t);
    return pt_take_table(ctx, t);
}

#endif
