/* Reductions over any axes of any layout, of arrays or of what an elementwise loop makes of them.
   Part of driver.c.

   Axes are sorted by stride, so that memory is read in order. The innermost axis is reduced ("lines") or kept
   ("rows"); together with the nearest axis of the other kind it makes a plane, which is worked through in
   tiles. */
#ifndef PYTENSOR_DRIVER_REDUCE_H
#define PYTENSOR_DRIVER_REDUCE_H

#include "driver_elemwise.h"

/* Partial results of PT_RADIX tiles are added up before they join the next level. */
#define PT_LEVELS 5
#define PT_RADIX 32

typedef struct {
    const pt_reduction *reduction;
    pt_layout layout; /* the inputs, then the output with strides 0 along reduced axes */
    uint64_t reduced; /* bit k: axis k of the layout is reduced */
    int inner, outer; /* axes of the plane: contiguous if any is, and the nearest of the other kind or -1 */
    char *buffers;    /* packed operands, then computed values */
    char *acc;        /* PT_LEVELS times PT_TILE partial results */
    int64_t tiles[PT_LEVELS];
    int levels; /* in use */
} pt_reduce_state;

static char *pt_level(const pt_reduce_state *s, int level)
{
    return s->acc + (int64_t)level * PT_TILE * s->reduction->by->acc_size;
}

/* A tile went into level 0; carry full levels over. */
static void pt_reduce_carry(pt_reduce_state *s, int64_t n)
{
    const pt_reducer *by = s->reduction->by;
    for (int level = 0; level < PT_LEVELS - 1 && ++s->tiles[level] == PT_RADIX; level++) {
        if (level + 1 == s->levels) {
            s->levels++;
            s->tiles[level + 1] = 0;
            by->start(pt_level(s, level + 1), n);
        }
        by->merge(pt_level(s, level + 1), pt_level(s, level), n);
        by->start(pt_level(s, level), n);
        s->tiles[level] = 0;
    }
}

/* Values of a tile of r x c elements; *row_stride says how they lie. */
static const char *pt_reduce_tile(
        pt_reduce_state *s, char *const *at, int64_t r, int64_t c, int64_t *row_stride)
{
    const pt_reduction *m = s->reduction;
    const pt_elemwise *e = m->e;
    char *data[e->nin + 1], *row[e->nin + 1];
    int64_t step[e->nin + 1];
    int flat = 1;
    for (int i = 0; i < e->nin; i++) {
        const int64_t *strides = s->layout.strides + i * PT_MAX_NDIM, size = e->itemsize[i];
        const int64_t s0 = s->outer < 0 ? 0 : strides[s->outer], s1 = strides[s->inner];
        row[i] = data[i] = at[i];
        step[i] = s->layout.scalar[i] ? 0 : s0;
        if (s->layout.scalar[i])
            continue;
        if (c == 1 || s1 == size) {
            if (!m->loop) {
                *row_stride = s0;
                return at[i];
            }
            if (r == 1 || s0 == c * size)
                continue;
            if (c >= PT_ROW) {
                flat = 0;
                continue;
            }
        }
        row[i] = data[i] = s->buffers + (int64_t)i * PT_CROSSED_TILE * 16;
        step[i] = c * size;
        pt_pack(data[i], at[i], s0, s1, r, c, size, 0);
    }
    *row_stride = c * m->by->in_size;
    if (!m->loop)
        return data[0];
    row[e->nin] = data[e->nin] = s->buffers + (int64_t)e->nin * PT_CROSSED_TILE * 16;
    step[e->nin] = *row_stride;
    if (flat)
        m->loop(data, r * c, e->program);
    else
        for (int64_t k = 0; k < r; k++) {
            m->loop(row, c, e->program);
            for (int i = 0; i <= e->nin; i++)
                row[i] += step[i];
        }
    return data[e->nin];
}

/* Step an odometer over the axes in `mask`; 0 when it is through. */
static int pt_reduce_next(const pt_layout *l, uint64_t mask, int64_t *index, char **at)
{
    for (int k = l->ndim - 1; k >= 0; k--) {
        if (!(mask >> k & 1))
            continue;
        const int more = ++index[k] < l->shape[k];
        for (int i = 0; i < l->n; i++)
            at[i] += l->strides[i * PT_MAX_NDIM + k] * (more ? 1 : 1 - l->shape[k]);
        if (more)
            return 1;
        index[k] = 0;
    }
    return 0;
}

/* Rows so short that a loop over one does not pay: a contiguous block of them is one long row, folded at the
 * end. */
static int64_t pt_reduce_fold(pt_reduce_state *s, char *x, int64_t rows, int64_t n)
{
    const pt_reducer *by = s->reduction->by;
    const int64_t width = PT_TILE / n, line = width * n;
    char *acc = s->buffers;
    by->start(acc, line);
    by->rows(acc, x, line * by->in_size, rows / width, line);
    for (int64_t i = 0; i < width; i++)
        by->merge(pt_level(s, 0), acc + i * n * by->acc_size, n);
    pt_reduce_carry(s, n);
    return rows / width * width;
}

/* One tile of outputs: n of them from `at`, over the whole reduced axis of the plane and all others. */
static void pt_reduce_outputs(pt_reduce_state *s, char *const *first, int64_t n, uint64_t others)
{
    const pt_layout *l = &s->layout;
    const pt_reduction *m = s->reduction;
    const int lines = (int)(s->reduced >> s->inner & 1);
    const int along = lines ? s->inner : s->outer;
    const int64_t length = along < 0 ? 1 : l->shape[along];
    const int64_t stride0 = along < 0 ? 0 : l->strides[along];
    /* The array itself needs no tiles along contiguous lines; rows are cut to keep rounding errors small. */
    const int direct = !m->loop && (lines ? stride0 : l->strides[s->inner]) == m->by->in_size;
    int64_t step = direct ? (lines ? length : 128) : (lines ? PT_TILE : PT_CROSSED_TILE) / n;
    if (!lines && step > 4)
        step &= ~(int64_t)3; /* rows are taken in fours */
    int64_t index[PT_MAX_NDIM] = {0};
    char *base[l->n], *at[l->n];
    for (int i = 0; i < l->n; i++)
        base[i] = first[i];
    m->by->start(pt_level(s, 0), n);
    s->tiles[0] = 0;
    s->levels = 1;
    do {
        int64_t i = 0;
        if (direct && !lines && n <= PT_TILE / 16 && stride0 == n * m->by->in_size &&
                length * n > 2 * PT_TILE)
            i = pt_reduce_fold(s, base[0], length, n);
        for (; i < length; i += step) {
            const int64_t count = length - i < step ? length - i : step;
            int64_t row_stride;
            for (int k = 0; k < l->n; k++)
                at[k] = base[k] + (along < 0 ? 0 : i * l->strides[k * PT_MAX_NDIM + along]);
            if (lines) {
                const char *x = pt_reduce_tile(s, at, n, count, &row_stride);
                m->by->lines(pt_level(s, 0), x, row_stride, n, count);
            } else {
                const char *x = pt_reduce_tile(s, at, count, n, &row_stride);
                m->by->rows(pt_level(s, 0), x, row_stride, count, n);
            }
            pt_reduce_carry(s, n);
        }
    } while (pt_reduce_next(l, others, index, base));
    for (int level = 1; level < s->levels; level++)
        m->by->merge(pt_level(s, 0), pt_level(s, level), n);
    const int kept = lines ? s->outer : s->inner;
    const int z = l->n - 1;
    m->by->store(first[z], kept < 0 ? 0 : l->strides[z * PT_MAX_NDIM + kept], pt_level(s, 0), n);
}

/* Put axes in the order of memory, the largest strides first. */
static void pt_reduce_sort(pt_layout *l, int ndim, uint64_t *reduced)
{
    for (int k = 1; k < ndim; k++)
        for (int j = k; j > 0; j--) {
            int64_t before = 0, after = 0;
            for (int i = 0; i < l->n - 1; i++) {
                before += pt_far(l->strides[i * PT_MAX_NDIM + j - 1]);
                after += pt_far(l->strides[i * PT_MAX_NDIM + j]);
            }
            if (before >= after)
                break;
            for (int i = 0; i < l->n; i++) {
                int64_t *s = l->strides + i * PT_MAX_NDIM, t = s[j];
                s[j] = s[j - 1], s[j - 1] = t;
            }
            const int64_t t = l->shape[j];
            l->shape[j] = l->shape[j - 1], l->shape[j - 1] = t;
            const uint64_t bits = *reduced >> (j - 1) & 3;
            if (bits == 1 || bits == 2)
                *reduced ^= (uint64_t)3 << (j - 1);
        }
}

/* Shape and memory of the output, and the check of empty axes. */
static int pt_reduce_output(pt_ctx *ctx, const pt_reduction *m, const int64_t *shape, pt_array *z)
{
    int kept = 0;
    for (int k = 0; k < m->e->ndim; k++)
        if (!(m->axes >> k & 1))
            z->shape[kept++] = shape[k];
        else if (PT_UNLIKELY(shape[k] == 0 && m->nonempty))
            return pt_fail(ctx, PT_VALUE_ERROR,
                    "[%s] Input has zero-size on axis %d: zero-size array to reduction operation which has "
                    "no identity",
                    m->e->name, k);
    return pt_alloc(ctx, z, kept, m->by->out_size);
}

/* Walk axes that all inputs meet backwards the other way: contiguous memory is then met as such. */
static void pt_reduce_turn(const pt_layout *l, int ndim, char **base)
{
    for (int k = 0; k < ndim; k++) {
        int backwards = 0, forwards = 0;
        for (int i = 0; i < l->n - 1; i++) {
            backwards |= l->strides[i * PT_MAX_NDIM + k] < 0;
            forwards |= l->strides[i * PT_MAX_NDIM + k] > 0;
        }
        if (!backwards || forwards)
            continue;
        for (int i = 0; i < l->n; i++) {
            int64_t *stride = l->strides + i * PT_MAX_NDIM + k;
            base[i] += *stride * (l->shape[k] - 1);
            *stride = -*stride;
        }
    }
}

/* The output has no reduced axes; the loops below meet it with strides of 0 there. */
static void pt_reduce_layout(pt_reduce_state *s, pt_array *const *args, const int64_t *shape, char **base)
{
    const pt_elemwise *e = s->reduction->e;
    pt_layout *l = &s->layout;
    const uint64_t all = e->ndim ? ((uint64_t)2 << (e->ndim - 1)) - 1 : 0;
    uint64_t reduced = s->reduction->axes;
    for (int i = 0; i < l->n; i++) {
        const uint64_t repeats = i < e->nin ? e->repeats[i] : reduced;
        l->scalar[i] = s->reduction->loop && i < e->nin && repeats == all;
        for (int k = 0, at = 0; k < e->ndim; k++) {
            l->shape[k] = shape[k];
            const int64_t stride = repeats >> k & 1 ? 0 : args[i]->strides[i < e->nin ? k : at];
            at += !(reduced >> k & 1);
            l->strides[i * PT_MAX_NDIM + k] = stride;
        }
    }
    pt_reduce_turn(l, e->ndim, base);
    pt_reduce_sort(l, e->ndim, &reduced);
    /* Merging needs equal kinds: a kept axis next to a reduced one never has fitting strides of the output.
     */
    uint64_t kinds = 0;
    int m = 0;
    for (int k = 0; k < e->ndim; k++)
        if (l->shape[k] != 1) {
            int joined = m > 0 && (kinds >> (m - 1) & 1) == (reduced >> k & 1);
            for (int i = 0; i < l->n && joined; i++)
                joined = l->strides[i * PT_MAX_NDIM + m - 1] == l->strides[i * PT_MAX_NDIM + k] * l->shape[k];
            if (joined)
                l->shape[m - 1] *= l->shape[k];
            else {
                l->shape[m] = l->shape[k];
                kinds |= (reduced >> k & 1) << m++;
            }
            for (int i = 0; i < l->n; i++)
                l->strides[i * PT_MAX_NDIM + m - 1] = l->strides[i * PT_MAX_NDIM + k];
        }
    if (m == 0) {
        l->shape[m] = 1;
        for (int i = 0; i < l->n; i++)
            l->strides[i * PT_MAX_NDIM] = e->itemsize[0];
        kinds |= 1 << m++;
    }
    l->ndim = m;
    s->reduced = kinds;
    s->inner = m - 1;
    s->outer = m - 2;
    while (s->outer >= 0 && (kinds >> s->outer & 1) == (kinds >> s->inner & 1))
        s->outer--;
    /* Short lines without a kept axis to share tiles with: lines along the longest axis are fewer. */
    if (s->outer < 0 && (kinds >> s->inner & 1) && l->shape[s->inner] < 64)
        for (int k = 0; k < m; k++)
            if (l->shape[k] > l->shape[s->inner])
                s->inner = k;
}

/* Trailing axes of a C-contiguous array: no tiles, no scratch memory. */
static int pt_reduce_trailing(
        const pt_reduction *m, const pt_array *x, pt_array *z, int64_t results, int64_t size)
{
    const int64_t n = size / results, row = n * m->by->in_size;
    char acc[64 * 16];
    for (int64_t i = 0; i < results; i += 64) {
        const int64_t count = results - i < 64 ? results - i : 64;
        m->by->start(acc, count);
        m->by->lines(acc, x->data + i * row, row, count, n);
        m->by->store(z->data + i * m->by->out_size, m->by->out_size, acc, count);
    }
    return PT_OK;
}

/* Outputs at once where rows are computed or packed. Wide tiles read long pieces of memory, two rows of them;
   what is packed wants more rows than two. */
static int64_t pt_reduce_width(const pt_reduce_state *s)
{
    const pt_elemwise *e = s->reduction->e;
    int packed = !s->reduction->loop;
    for (int i = 0; i < e->nin; i++)
        packed |= !s->layout.scalar[i] && s->layout.strides[i * PT_MAX_NDIM + s->inner] != e->itemsize[i];
    return packed ? PT_CROSSED_TILE / 4 : PT_CROSSED_TILE / 2;
}

/* All elements, outputs in tiles. */
static int pt_reduce_strided(pt_ctx *ctx, const pt_reduction *m, pt_array *const *args, const int64_t *shape)
{
    const int n = m->e->nin + 1;
    int64_t axes[PT_MAX_NDIM + 1], strides[n * PT_MAX_NDIM], index[PT_MAX_NDIM] = {0};
    uint8_t scalar[n];
    pt_reduce_state s = {.reduction = m, .layout = {n, 0, axes, strides, scalar, NULL, 0}};
    const int64_t levels = PT_LEVELS * PT_TILE * m->by->acc_size;
    s.acc = pt_scratch(ctx, levels + (int64_t)n * PT_CROSSED_TILE * 16);
    if (PT_UNLIKELY(!s.acc))
        return PT_MEMORY;
    s.buffers = s.acc + levels;
    char *base[n], *at[n];
    for (int i = 0; i < n; i++)
        base[i] = args[i]->data;
    pt_reduce_layout(&s, args, shape, base);
    const int lines = (int)(s.reduced >> s.inner & 1), kept = lines ? s.outer : s.inner;
    const uint64_t in_plane = (uint64_t)1 << s.inner | (s.outer < 0 ? 0 : (uint64_t)1 << s.outer);
    const uint64_t others = (((uint64_t)2 << (s.layout.ndim - 1)) - 1) & ~in_plane;
    const int64_t length = kept < 0 ? 1 : axes[kept];
    const int direct = !m->loop && strides[s.inner] == m->by->in_size;
    /* Outputs at once: what is packed or computed must fit into a tile together with a piece of the reduced
     * axis. */
    int64_t step = PT_TILE;
    if (!direct)
        step = !lines ? pt_reduce_width(&s) : axes[s.inner] >= PT_TILE ? 1 : PT_TILE / axes[s.inner];
    do {
        for (int64_t j = 0; j < length; j += step) {
            for (int i = 0; i < n; i++)
                at[i] = base[i] + (kept < 0 ? 0 : j * strides[i * PT_MAX_NDIM + kept]);
            pt_reduce_outputs(&s, at, length - j < step ? length - j : step, s.reduced & others);
        }
    } while (pt_reduce_next(&s.layout, ~s.reduced & others, index, base));
    return PT_OK;
}

/* The whole work of a reduction; args are the inputs, then the output. */
static int pt_reduce_run(pt_ctx *ctx, const pt_reduction *m, pt_array *const *args)
{
    const pt_elemwise *e = m->e;
    int64_t shape[PT_MAX_NDIM + 1];
    pt_array *z = args[e->nin];
    int status = pt_elemwise_shape(ctx, e, args, shape);
    if (PT_UNLIKELY(status) || PT_UNLIKELY((status = pt_reduce_output(ctx, m, shape, z))))
        return status;
    int64_t size = 1, results = 1;
    int trailing = !m->loop;
    for (int k = 0; k < e->ndim; k++) {
        const int reduced = (int)(m->axes >> k & 1);
        size *= shape[k];
        results *= reduced ? 1 : shape[k];
        trailing &= reduced || !(m->axes & (((uint64_t)1 << k) - 1));
    }
    if (PT_UNLIKELY(results == 0))
        return PT_OK;
    pt_heavy(ctx, (double)size * e->cost);
    if (size == 0 || (trailing && pt_is_c_contiguous(args[0], e->ndim, m->by->in_size)))
        return pt_reduce_trailing(m, args[0], z, results, size);
    return pt_reduce_strided(ctx, m, args, shape);
}

#endif
