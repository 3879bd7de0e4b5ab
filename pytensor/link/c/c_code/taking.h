/* Kernels of indexing by arrays and masks; parameters: dispatch/advanced.py. */
#ifndef PT_TAKING_H
#define PT_TAKING_H

#include "positions.h"

/* The next place of an array, in C order. */
static inline void pt_take_next(int64_t *at, const int64_t *lengths, int64_t ndim)
{
    for (int64_t k = ndim - 1; k >= 0 && ++at[k] == lengths[k]; k--)
        at[k] = 0;
}

static inline int64_t pt_places(const int64_t *shape, int64_t ndim)
{
    int64_t n = 1;
    for (int64_t k = 0; k < ndim; k++)
        n *= shape[k];
    return n;
}

/* Single elements. */
static void pt_take_elements(char *to, const char *from, const int64_t *offset, int64_t n, int64_t itemsize)
{
#define PT_TAKE(T)                                                                                           \
    for (; i + 4 <= n; i += 4) {                                                                             \
        const T a = *(const T *)(from + offset[i]), b = *(const T *)(from + offset[i + 1]);                  \
        const T c = *(const T *)(from + offset[i + 2]), d = *(const T *)(from + offset[i + 3]);              \
        T *z = (T *)to + i;                                                                                  \
        z[0] = a, z[1] = b, z[2] = c, z[3] = d;                                                              \
    }                                                                                                        \
    for (; i < n; i++)                                                                                       \
        ((T *)to)[i] = *(const T *)(from + offset[i]);                                                       \
    return
    int64_t i = 0;
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

enum { PT_DIRECT_CHUNK = 2048 };

/* Single elements, side by side in x, that a direct index names; returns whether all are inside. */
#define PT_TAKE_DIRECTLY(NAME, T, I)                                                                         \
    static int NAME(T *z, const T *x, const pt_positions *index, int64_t n)                                  \
    {                                                                                                        \
        const int64_t length = index->length;                                                                \
        for (int64_t start = 0, end; start < n; start = end) {                                               \
            end = n - start < PT_DIRECT_CHUNK ? n : start + PT_DIRECT_CHUNK;                                 \
            const pt_direct found = pt_direct_check(index, start, end - start);                              \
            const I *at = (const I *)index->data;                                                            \
            int64_t k = start;                                                                               \
            if (PT_UNLIKELY(found.outside))                                                                  \
                return 0;                                                                                    \
            for (; !found.negative && k + 4 <= end; k += 4) {                                                \
                const T a = x[at[k]], b = x[at[k + 1]], c = x[at[k + 2]], d = x[at[k + 3]];                  \
                z[k] = a, z[k + 1] = b, z[k + 2] = c, z[k + 3] = d;                                          \
            }                                                                                                \
            for (; k < end; k++)                                                                             \
                z[k] = x[at[k] + ((int64_t)at[k] >> 63 & length)];                                           \
        }                                                                                                    \
        return 1;                                                                                            \
    }
PT_TAKE_DIRECTLY(pt_take_directly_8_i64, uint64_t, int64_t)
PT_TAKE_DIRECTLY(pt_take_directly_8_i32, uint64_t, int32_t)
PT_TAKE_DIRECTLY(pt_take_directly_4_i64, uint32_t, int64_t)
PT_TAKE_DIRECTLY(pt_take_directly_4_i32, uint32_t, int32_t)
#undef PT_TAKE_DIRECTLY

static int pt_take_directly(char *z, const char *x, const pt_take *t, int64_t itemsize, int64_t size)
{
    if (itemsize == 8 && size == 8)
        return pt_take_directly_8_i64((uint64_t *)z, (const uint64_t *)x, t->index, t->total);
    if (itemsize == 8)
        return pt_take_directly_8_i32((uint64_t *)z, (const uint64_t *)x, t->index, t->total);
    if (size == 8)
        return pt_take_directly_4_i64((uint32_t *)z, (const uint32_t *)x, t->index, t->total);
    return pt_take_directly_4_i32((uint32_t *)z, (const uint32_t *)x, t->index, t->total);
}

/* Short blocks, in words: a call of memcpy for each would take longer. */
static void pt_take_blocks(char *to, const char *from, const int64_t *offset, int64_t n, int64_t block)
{
    if (block > 256 || block % 8)
        for (int64_t i = 0; i < n; i++)
            memcpy(to + i * block, from + offset[i], (size_t)block);
    else
        for (int64_t i = 0; i < n; i++) {
            const char *x = from + offset[i];
            for (int64_t k = 0; k < block; k += 8)
                memcpy(to + k, x + k, 8);
            to += block;
        }
}

/* Whether the axes behind the arrays lie side by side in x. */
static int pt_take_is_block(const pt_take *t, const int64_t *strides, int64_t itemsize)
{
    for (int64_t k = t->before + t->after - 1; k >= t->before; k--) {
        if (t->shape[k] != 1 && strides[k] != itemsize)
            return 0;
        itemsize *= t->shape[k];
    }
    return 1;
}

/* inputs, itemsize; the index */
PT_KERNEL(pt_advanced_subtensor)
{
    const int64_t *p = pt_parameters(program), itemsize = p[1];
    pt_array *z = args[p[0]];
    pt_take t;
    int status = pt_take_read(ctx, args, p + 2, args[0], &t);
    if (status)
        return status;
    memcpy(z->shape, t.shape, (size_t)t.before * 8);
    memcpy(z->shape + t.before, t.lengths, (size_t)t.ndim * 8);
    memcpy(z->shape + t.before + t.ndim, t.shape + t.before, (size_t)t.after * 8);
    const int64_t ndim = t.before + t.ndim + t.after;
    if ((status = pt_alloc(ctx, z, (int)ndim, itemsize)))
        return status;
    const int64_t outer = pt_places(t.shape, t.before), rest = pt_places(t.shape + t.before, t.after);
    if (outer == 0 || rest == 0)
        return PT_OK;
    pt_heavy(ctx, 2.0 * (double)(outer * rest * t.total));
    const int64_t block = rest * itemsize, *xs = t.strides + t.before;
    const int is_block = pt_take_is_block(&t, t.strides, itemsize);
    int64_t at[65] = {0};
    char *to = z->data;
    const int64_t size = outer * rest == 1 && !t.table ? pt_take_direct(&t) : 0;
    if (size && (itemsize == 8 || itemsize == 4) && t.index[0].stride == itemsize) {
        const int done = pt_take_directly(to, t.data, &t, itemsize, size);
        return PT_LIKELY(done) ? PT_OK : pt_take_outside(ctx, &t);
    }
    for (int64_t o = 0; o < outer; o++, pt_take_next(at, t.shape, t.before)) {
        const char *from = t.data;
        for (int64_t k = 0; k < t.before; k++)
            from += at[k] * t.strides[k];
        for (int64_t start = 0, n; start < t.total; start += n, to += n * block) {
            n = t.table || t.total - start < PT_TAKE_CHUNK ? t.total - start : PT_TAKE_CHUNK;
            const int64_t *offset = pt_take_offsets(&t, start, n);
            if (PT_UNLIKELY(!offset))
                return pt_take_outside(ctx, &t);
            if (rest == 1)
                pt_take_elements(to, from, offset, n, itemsize);
            else if (is_block)
                pt_take_blocks(to, from, offset, n, block);
            else
                for (int64_t i = 0; i < n; i++)
                    pt_copy(to + i * block, z->strides + t.before + t.ndim, from + offset[i], xs,
                            t.shape + t.before, (int)t.after, itemsize);
        }
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

static void pt_set_elements(
        char *to, const int64_t *offset, const char *y, int64_t ys, int64_t n, int64_t itemsize)
{
#define PT_SET(T)                                                                                            \
    for (int64_t i = 0; i < n; i++, y += ys)                                                                 \
        *(T *)(to + offset[i]) = *(const T *)y;                                                              \
    return
    switch (itemsize) {
    case 1:
        PT_SET(uint8_t);
    case 2:
        PT_SET(uint16_t);
    case 4:
        PT_SET(uint32_t);
    case 8:
        PT_SET(uint64_t);
    default:
        PT_SET(pt_bytes16);
    }
#undef PT_SET
}

/* What is written, and how. */
typedef struct {
    const int64_t *ys, *below; /* strides of y along the arrays' axes, and behind them */
    int64_t step;              /* along the whole index if y is a line; -1 otherwise */
    int64_t add, itemsize, rest;
    int is_block;
} pt_scatter;

enum { PT_COPIES_LENGTH = 1024 };

/* Additions to single elements that a direct index names. Neighbours often name the same element, as in
   sorted groups, and each would wait for the one before: they go to sums of their own if there are few. */
#define PT_ADD_DIRECTLY(NAME, T, I)                                                                          \
    static inline __attribute__((always_inline)) void NAME##_from(                                           \
            char *to, const T *y, const I *at, int64_t length, int64_t stride, int64_t n, int64_t wrap)      \
    {                                                                                                        \
        int64_t k = 0;                                                                                       \
        T sums[3][PT_COPIES_LENGTH];                                                                         \
        if (stride == (int64_t)sizeof(T) && length <= PT_COPIES_LENGTH && n >= 4 * length) {                 \
            T *z = (T *)to;                                                                                  \
            /* Not 0: an element that nothing is added to keeps its sign. */                                 \
            for (int j = 0; j < 3; j++)                                                                      \
                for (int64_t i = 0; i < length; i++)                                                         \
                    sums[j][i] = (T)-0.0;                                                                    \
            for (; k + 4 <= n; k += 4) {                                                                     \
                const int64_t a = at[k], b = at[k + 1], c = at[k + 2], d = at[k + 3];                        \
                z[a + (a >> 63 & wrap)] += y[k];                                                             \
                sums[0][b + (b >> 63 & wrap)] += y[k + 1];                                                   \
                sums[1][c + (c >> 63 & wrap)] += y[k + 2];                                                   \
                sums[2][d + (d >> 63 & wrap)] += y[k + 3];                                                   \
            }                                                                                                \
            for (int64_t i = 0; i < length; i++)                                                             \
                z[i] += (sums[0][i] + sums[1][i]) + sums[2][i];                                              \
        }                                                                                                    \
        for (; k < n; k++) {                                                                                 \
            int64_t i = at[k];                                                                               \
            i += i >> 63 & wrap;                                                                             \
            *(T *)(to + i * stride) += y[k];                                                                 \
        }                                                                                                    \
    }                                                                                                        \
    static void NAME(char *to, const T *y, const pt_positions *index, int64_t n, int negative)               \
    {                                                                                                        \
        const I *at = (const I *)index->data;                                                                \
        if (negative)                                                                                        \
            NAME##_from(to, y, at, index->length, index->stride, n, index->length);                          \
        else                                                                                                 \
            NAME##_from(to, y, at, index->length, index->stride, n, 0);                                      \
    }
PT_ADD_DIRECTLY(pt_add_directly_f64_i64, double, int64_t)
PT_ADD_DIRECTLY(pt_add_directly_f64_i32, double, int32_t)
PT_ADD_DIRECTLY(pt_add_directly_f32_i64, float, int64_t)
PT_ADD_DIRECTLY(pt_add_directly_f32_i32, float, int32_t)
#undef PT_ADD_DIRECTLY

/* All additions at once if the index and y are lines of usual types; `size` is that of the index. */
static void pt_add_directly(
        char *to, const char *y, const pt_take *t, int64_t add, int64_t size, int negative)
{
    if (add == PT_F64 && size == 8)
        pt_add_directly_f64_i64(to, (const double *)y, t->index, t->total, negative);
    else if (add == PT_F64)
        pt_add_directly_f64_i32(to, (const double *)y, t->index, t->total, negative);
    else if (size == 8)
        pt_add_directly_f32_i64(to, (const float *)y, t->index, t->total, negative);
    else
        pt_add_directly_f32_i32(to, (const float *)y, t->index, t->total, negative);
}

/* The indices from `start` on, in order: later writes to one element come later. */
static void pt_scatter_line(const pt_take *t, const pt_scatter *s, char *to, const char *y, int64_t step,
        const int64_t *offset, int64_t n)
{
    if (s->rest == 1) {
        if (s->add)
            pt_adds_at[s->add](to, offset, y, step, n);
        else
            pt_set_elements(to, offset, y, step, n, s->itemsize);
        return;
    }
    const int64_t *shape = t->shape + t->before, *zs = t->strides + t->before;
    for (int64_t i = 0; i < n; i++, y += step) {
        if (s->is_block && s->add)
            pt_add_lines[s->add](to + offset[i], s->itemsize, y, s->itemsize, s->rest);
        else if (s->is_block)
            memcpy(to + offset[i], y, (size_t)(s->rest * s->itemsize));
        else if (s->add)
            pt_add_all(pt_add_lines[s->add], to + offset[i], zs, y, s->below, shape, (int)t->after);
        else
            pt_copy(to + offset[i], zs, y, s->below, shape, (int)t->after, s->itemsize);
    }
}

/* All of the index, at one place before it. */
static int pt_scatter_all(pt_ctx *ctx, pt_take *t, const pt_scatter *s, char *to, const char *from)
{
    const int64_t last = t->ndim ? t->lengths[t->ndim - 1] : 1;
    for (int64_t start = 0, n; start < t->total; start += n) {
        n = t->total - start < PT_TAKE_CHUNK ? t->total - start : PT_TAKE_CHUNK;
        const char *y = from;
        int64_t step = s->step;
        if (step >= 0)
            y += start * step;
        else {
            step = s->ys[t->ndim - 1];
            n = last - start % last < n ? last - start % last : n;
            for (int64_t k = t->ndim - 1, at = start; k >= 0; at /= t->lengths[k--])
                y += at % t->lengths[k] * s->ys[k];
        }
        const int64_t *offset = pt_take_offsets(t, start, n);
        if (PT_UNLIKELY(!offset))
            return pt_take_outside(ctx, t);
        pt_scatter_line(t, s, to, y, step, offset, n);
    }
    return PT_OK;
}

/* inputs, itemsize, whether in place, dtype to add (0: set), axes of y, axes of y that have length 1 by type
   (bits); the index */
PT_KERNEL(pt_advanced_inc_subtensor)
{
    const int64_t *p = pt_parameters(program);
    const pt_array *y = args[1];
    pt_array *z = args[p[0]];
    pt_take t;
    int64_t shape[130], ys[130] = {0}, at[65] = {0};
    int status = pt_start_from(ctx, args[0], z, (int)p[7], p[1], p[2]);
    if (status || (status = pt_take_read(ctx, args, p + 6, z, &t)))
        return status;
    const int64_t ndim = t.before + t.ndim + t.after;
    memcpy(shape, t.shape, (size_t)t.before * 8);
    memcpy(shape + t.before, t.lengths, (size_t)t.ndim * 8);
    memcpy(shape + t.before + t.ndim, t.shape + t.before, (size_t)t.after * 8);
    if ((status = pt_strict_strides(ctx, y, p[4], p[5], shape, ndim, ys)))
        return status;
    pt_scatter s = {ys + t.before, ys + t.before + t.ndim, 0, p[3], p[1], 1, 0};
    const int64_t outer = pt_places(t.shape, t.before);
    s.rest = pt_places(t.shape + t.before, t.after);
    if (outer == 0 || s.rest == 0 || t.total == 0)
        return PT_OK;
    s.step = pt_line_step(t.lengths, s.ys, t.ndim);
    s.is_block = pt_take_is_block(&t, t.strides, s.itemsize) && pt_take_is_block(&t, ys + t.ndim, s.itemsize);
    pt_heavy(ctx, 2.0 * (double)(outer * s.rest * t.total));
    const int64_t size = pt_take_direct(&t);
    const int directly = (s.add == PT_F64 || s.add == PT_F32) && size && outer * s.rest == 1 &&
                         s.step == s.itemsize && !t.table;
    if (directly) {
        const pt_direct found = pt_direct_check(t.index, 0, t.total);
        if (PT_UNLIKELY(found.outside))
            return pt_take_outside(ctx, &t);
        pt_add_directly(t.data, y->data, &t, s.add, size, found.negative);
        return PT_OK;
    }
    if (p[2] && (status = pt_take_check(ctx, &t)))
        return status;
    for (int64_t o = 0; o < outer; o++, pt_take_next(at, t.shape, t.before)) {
        char *to = t.data;
        const char *from = y->data;
        for (int64_t k = 0; k < t.before; k++) {
            to += at[k] * t.strides[k];
            from += at[k] * ys[k];
        }
        if ((status = pt_scatter_all(ctx, &t, &s, to, from)))
            return status;
    }
    return PT_OK;
}

#endif
