/* Kernels that walk along axes of one type: position of the maximum, cumulative sums and products. Included
   once per type with T, WIDE (in which sums wrap) and PT_SUFFIX; parameters: dispatch/lines.py. */
#include "glue.h"
#include "views.h"

#ifndef PT_SUFFIX
#define PT_ALONE
#define T double
#define WIDE double
#define PT_SUFFIX f64
#endif

#define PT_NAME(f) PT_GLUE(f, PT_SUFFIX)

#ifndef PT_WALK
#define PT_WALK
/* The next element over some axes, in C order; false after the last. */
static inline int pt_walk(const char **at, int64_t *index, const pt_array *x, const int64_t *axes, int64_t n)
{
    for (int64_t i = n - 1; i >= 0; i--) {
        const int64_t k = axes[i];
        *at += x->strides[k];
        if (++index[i] < x->shape[k])
            return 1;
        *at -= x->strides[k] * x->shape[k];
        index[i] = 0;
    }
    return 0;
}
#endif

#ifndef PT_NO_ORDER
#define PT_LANES 16
#define PT_LINE 512
#define PT_COLUMNS 256

/* The largest of n elements that are not NaN; *strange if one is. */
static inline T PT_NAME(largest)(const T *v, int64_t n, int *strange)
{
    T largest = v[0];
    int64_t i = 0;
#if defined(__GNUC__)
    /* Choices are written with masks: as plain C their partial results go through memory. */
    typedef T vec __attribute__((vector_size(64)));
    typedef __typeof__((vec){0} > (vec){0}) mask;
    enum { lanes = 64 / sizeof(T) };
    if (n >= 2 * lanes) {
        vec a, b, x, y;
        memcpy(&a, v, sizeof a);
        b = a;
        mask odd = a != a;
        for (; i + 2 * lanes <= n; i += 2 * lanes) {
            memcpy(&x, v + i, sizeof x);
            memcpy(&y, v + i + lanes, sizeof y);
            const mask p = x > a, q = y > b;
            a = (vec)(((mask)x & p) | ((mask)a & ~p));
            b = (vec)(((mask)y & q) | ((mask)b & ~q));
            odd |= (x != x) | (y != y);
        }
        for (int k = 0; k < lanes; k++) {
            largest = a[k] > largest ? a[k] : largest;
            largest = b[k] > largest ? b[k] : largest;
            *strange |= odd[k] != 0;
        }
    }
#endif
    for (; i < n; i++) {
        *strange |= v[i] != v[i];
        largest = v[i] > largest ? v[i] : largest;
    }
    return largest;
}

/* Elements number `from` and so on, n of them. The largest of a block is found without its place, which is
   looked for only if it is the largest so far. The first NaN wins, as in NumPy: nothing after it compares as
   larger or as a new NaN. */
static void PT_NAME(argmax_line)(
        const char *x, int64_t step, int64_t n, int64_t from, T *best, int64_t *position)
{
    T packed[PT_LINE];
    int64_t found = -1;
    int strange = 0;
    for (int64_t at = 0; at < n && *best == *best; at += PT_LINE) {
        const int64_t m = n - at < PT_LINE ? n - at : PT_LINE;
        const T *v = (const T *)(x + at * step);
        if (step != sizeof(T)) {
            for (int64_t i = 0; i < m; i++)
                packed[i] = *(const T *)(x + (at + i) * step);
            v = packed;
        }
        const T largest = PT_NAME(largest)(v, m, &strange);
        if (!strange && !(largest > *best))
            continue;
        *best = largest;
        found = at;
        if (strange)
            break;
    }
    if (found < 0)
        return;
    for (const char *e = x + found * step;; e += step, found++) {
        const T v = *(const T *)e;
        if (strange ? v != v : v == *best) {
            *best = v;
            break;
        }
    }
    *position = from + found;
}

/* Columns side by side, n of them, `next` bytes apart; the row is number k. */
static void PT_NAME(argmax_row)(const char *x, int64_t next, int64_t n, int64_t k, T *best, int64_t *position)
{
    T packed[PT_COLUMNS];
    const T *v = (const T *)x;
    if (next != sizeof(T)) {
        for (int64_t j = 0; j < n; j++)
            packed[j] = *(const T *)(x + j * next);
        v = packed;
    }
    for (int64_t j = 0; j < n; j++) {
        const int more = (v[j] > best[j]) | ((v[j] != v[j]) & (best[j] == best[j]));
        best[j] = more ? v[j] : best[j];
        position[j] = more ? k : position[j];
    }
}

/* n results at once; the first element of all is at x, their axis is `across`. */
static void PT_NAME(argmax_columns)(const pt_array *x, const char *at, int64_t across, int64_t m,
        const int64_t *axes, int64_t n, int64_t *z)
{
    const int64_t next = x->strides[across];
    for (int64_t first = 0; first < m; first += PT_COLUMNS) {
        const int64_t count = m - first < PT_COLUMNS ? m - first : PT_COLUMNS;
        T best[PT_COLUMNS];
        int64_t index[65] = {0}, k = 0;
        const char *row = at + first * next;
        for (int64_t j = 0; j < count; j++) {
            best[j] = *(const T *)(row + j * next);
            z[first + j] = 0;
        }
        do
            PT_NAME(argmax_row)(row, next, count, k++, best, z + first);
        while (pt_walk(&row, index, x, axes, n));
    }
}

/* ndim, axes kept; the kept ones; the others */
PT_KERNEL(PT_NAME(argmax))
{
    const int64_t *p = pt_parameters(program), kept = p[1], n = p[0] - p[1];
    const int64_t *axes = p + 2 + kept, last = axes[n - 1];
    const pt_array *x = args[0];
    pt_array *z = args[1];
    int64_t index[65] = {0}, length = 1;
    for (int64_t i = 0; i < kept; i++)
        z->shape[i] = x->shape[p[2 + i]];
    for (int64_t i = 0; i < n; i++)
        length *= x->shape[axes[i]];
    if (length == 0)
        return pt_fail(ctx, PT_VALUE_ERROR, "attempt to get argmax of an empty sequence");
    int status = pt_alloc(ctx, z, (int)kept, 8);
    if (status)
        return status;
    const int64_t lines = pt_size(z, (int)kept), row = x->shape[last], step = x->strides[last];
    const int64_t across = kept ? p[1 + kept] : 0, next = kept ? x->strides[across] : step;
    const int by_columns =
            kept && x->shape[across] >= 8 && (next < 0 ? -next : next) < (step < 0 ? -step : step);
    const int64_t together = by_columns ? x->shape[across] : 1;
    pt_heavy(ctx, (double)lines * (double)length);
    const char *at = x->data;
    int64_t *to = (int64_t *)z->data;
    for (int64_t i = 0; i < lines; i += together, pt_walk(&at, index, x, p + 2, kept - by_columns)) {
        if (by_columns) {
            PT_NAME(argmax_columns)(x, at, across, together, axes, n, to + i);
            continue;
        }
        int64_t inner[65] = {0}, from = 0;
        const char *line = at;
        T best = *(const T *)at;
        to[i] = 0;
        /* A NaN in front of all is found by nobody: it is the best already. */
        do {
            PT_NAME(argmax_line)(line, step, row, from, &best, to + i);
            from += row;
        } while (pt_walk(&line, inner, x, axes, n - 1));
    }
    return PT_OK;
}
#undef PT_LANES
#undef PT_LINE
#undef PT_COLUMNS
#endif

/* ndim, axis, whether products; the other axes */
PT_KERNEL(PT_NAME(cumulative))
{
    const int64_t *p = pt_parameters(program), ndim = p[0], axis = p[1];
    const pt_array *x = args[0];
    pt_array *z = args[1];
    pt_same_shape(z, x, (int)ndim);
    int status = pt_alloc(ctx, z, (int)ndim, sizeof(T));
    if (status)
        return status;
    const int64_t size = pt_size(x, (int)ndim), n = x->shape[axis], xs = x->strides[axis],
                  zs = z->strides[axis];
    pt_heavy(ctx, (double)size);
    int64_t in[65] = {0}, out[65] = {0};
    const char *from = x->data, *to = z->data;
    for (int64_t done = 0; done < size; done += n) {
        WIDE total = (WIDE) * (const T *)from;
        *(T *)(char *)to = (T)total;
        for (int64_t k = 1; k < n; k++) {
            const WIDE v = (WIDE) * (const T *)(from + k * xs);
            total = p[2] ? (WIDE)(total * v) : (WIDE)(total + v);
            *(T *)((char *)to + k * zs) = (T)total;
        }
        pt_walk(&from, in, x, p + 3, ndim - 1);
        pt_walk(&to, out, z, p + 3, ndim - 1);
    }
    return PT_OK;
}

#undef PT_NAME
#ifdef PT_ALONE
#undef T
#undef WIDE
#undef PT_SUFFIX
#undef PT_ALONE
#endif
