/* Softmax and its logarithm along lines of one float type. Included once per type with T and PT_SUFFIX.

   NaN and infinities come out as of scipy.special: a NaN reaches its whole line through the sum, so the
   maximum may ignore it. */
#include "pytensor.h"
#include "copy.h"
#include "elemwise.h"
#include "glue.h"
#include "libm.h"
#include "parameters.h"
#include "vector_math.h"

#ifndef PT_SUFFIX
#define PT_ALONE
#define T double
#define PT_SUFFIX f64
#endif

#define PT_NAME(f) PT_GLUE(f, PT_SUFFIX)
#ifdef PT_SINGLE
#define PT_EXP expf
#define PT_LOG log
#else
#define PT_EXP pt_vexp
#define PT_LOG pt_vlog
#endif
#define LANES 16
/* Elements that are worked on at a time; they stay in the nearest cache. */
#define PT_BLOCK 1024
#define PT_PANEL 128

static inline T PT_NAME(softmax_top)(const T *x, int64_t n, int logarithm)
{
    T top = (T)-__builtin_inf();
    int64_t i = 0;
    if (n >= 2 * LANES) {
        T lanes[LANES];
        for (int l = 0; l < LANES; l++)
            lanes[l] = top;
        for (; i + LANES <= n; i += LANES)
            for (int l = 0; l < LANES; l++)
                lanes[l] = x[i + l] > lanes[l] ? x[i + l] : lanes[l];
        for (int l = 0; l < LANES; l++)
            top = lanes[l] > top ? lanes[l] : top;
    }
    for (; i < n; i++)
        top = x[i] > top ? x[i] : top;
    /* In the logarithm a line of infinities is not shifted: the finite ones beside +inf are -inf, not NaN. */
    return logarithm && top - top != 0 ? 0 : top;
}

/* In double precision, whatever T. */
static inline double PT_NAME(softmax_sum)(const T *e, int64_t n)
{
    double sum = 0;
    int64_t i = 0;
    if (n >= 2 * LANES) {
        double lanes[LANES] = {0};
        for (; i + LANES <= n; i += LANES)
            for (int l = 0; l < LANES; l++)
                lanes[l] += (double)e[i + l];
        for (int l = 0; l < LANES; l++)
            sum += lanes[l];
    }
    for (; i < n; i++)
        sum += (double)e[i];
    return sum;
}

/* e = exp(e), apart from other work so that it becomes vector code. */
static inline void PT_NAME(softmax_exp)(T *e, int64_t n)
{
    PT_IVDEP
    for (int64_t i = 0; i < n; i++)
        e[i] = PT_EXP(e[i]);
}

/* Results of one line; only the logarithm reads x, and only the other reads its exponentials e. */
static inline void PT_NAME(softmax_store)(
        T *z, const T *x, const T *e, int64_t n, T top, double sum, int logarithm)
{
    const T by = logarithm ? (T)PT_LOG(sum) : (T)sum;
    if (logarithm) {
        PT_IVDEP
        for (int64_t i = 0; i < n; i++)
            z[i] = (x[i] - top) - by;
    } else {
        PT_IVDEP
        for (int64_t i = 0; i < n; i++)
            z[i] = e[i] / by;
    }
}

/* Lines of at most PT_BLOCK elements: several at a time, so that exp runs over all of them in one loop. */
static void PT_NAME(softmax_short)(T *z, const T *x, int64_t rows, int64_t n, int logarithm)
{
    T e[PT_BLOCK], tops[PT_BLOCK];
    const int64_t most = PT_BLOCK / n;
    for (int64_t row = 0; row < rows; row += most, x += most * n, z += most * n) {
        const int64_t some = rows - row < most ? rows - row : most;
        for (int64_t r = 0; r < some; r++) {
            const T top = tops[r] = PT_NAME(softmax_top)(x + r * n, n, logarithm);
            for (int64_t i = r * n; i < (r + 1) * n; i++)
                e[i] = x[i] - top;
        }
        PT_NAME(softmax_exp)(e, some * n);
        for (int64_t r = 0, at = 0; r < some; r++, at += n) {
            const double sum = PT_NAME(softmax_sum)(e + at, n);
            PT_NAME(softmax_store)(z + at, x + at, e + at, n, tops[r], sum, logarithm);
        }
    }
}

static void PT_NAME(softmax_long)(T *z, const T *x, int64_t n, int logarithm)
{
    T e[PT_BLOCK];
    const T top = PT_NAME(softmax_top)(x, n, logarithm);
    double sum = 0;
    for (int64_t at = 0; at < n; at += PT_BLOCK) {
        const int64_t some = n - at < PT_BLOCK ? n - at : PT_BLOCK;
        T *to = logarithm ? e : z + at;
        for (int64_t i = 0; i < some; i++)
            to[i] = x[at + i] - top;
        PT_NAME(softmax_exp)(to, some);
        sum += PT_NAME(softmax_sum)(to, some);
    }
    PT_NAME(softmax_store)(z, x, z, n, top, sum, logarithm);
}

/* At most PT_PANEL lines side by side, their elements one row apart: vectors go across the lines. */
static void PT_NAME(softmax_panel)(
        char *z, int64_t z_row, const char *x, int64_t x_row, int64_t n, int64_t lines, int logarithm)
{
    T tops[PT_PANEL], by[PT_PANEL], e[PT_PANEL];
    double sums[PT_PANEL] = {0};
    for (int64_t j = 0; j < lines; j++)
        tops[j] = (T)-__builtin_inf();
    for (int64_t i = 0; i < n; i++) {
        const T *row = (const T *)(x + i * x_row);
        for (int64_t j = 0; j < lines; j++)
            tops[j] = row[j] > tops[j] ? row[j] : tops[j];
    }
    for (int64_t j = 0; j < lines; j++)
        tops[j] = logarithm && tops[j] - tops[j] != 0 ? 0 : tops[j];
    for (int64_t i = 0; i < n; i++) {
        const T *row = (const T *)(x + i * x_row);
        for (int64_t j = 0; j < lines; j++)
            e[j] = row[j] - tops[j];
        PT_NAME(softmax_exp)(e, lines);
        for (int64_t j = 0; j < lines; j++)
            sums[j] += (double)e[j];
        if (!logarithm)
            memcpy(z + i * z_row, e, (size_t)lines * sizeof(T));
    }
    for (int64_t j = 0; j < lines; j++)
        by[j] = logarithm ? (T)PT_LOG(sums[j]) : (T)sums[j];
    for (int64_t i = 0; i < n; i++) {
        const T *row = (const T *)(x + i * x_row);
        T *to = (T *)(z + i * z_row);
        if (logarithm) {
            PT_IVDEP
            for (int64_t j = 0; j < lines; j++)
                to[j] = (row[j] - tops[j]) - by[j];
        } else {
            PT_IVDEP
            for (int64_t j = 0; j < lines; j++)
                to[j] /= by[j];
        }
    }
}

/* Lines along the last axis given, side by side along the one before, where elements are neighbours. */
static void PT_NAME(softmax_panels)(char *z, const int64_t *zs, const char *x, const int64_t *xs,
        const int64_t *shape, int ndim, int logarithm)
{
    if (ndim > 2) {
        for (int64_t i = 0; i < shape[0]; i++, z += zs[0], x += xs[0]) {
            PT_NAME(softmax_panels)(z, zs + 1, x, xs + 1, shape + 1, ndim - 1, logarithm);
        }
        return;
    }
    const int64_t all = shape[0], size = sizeof(T);
    for (int64_t at = 0; at < all; at += PT_PANEL) {
        const int64_t lines = all - at < PT_PANEL ? all - at : PT_PANEL;
        PT_NAME(softmax_panel)(z + at * size, zs[1], x + at * size, xs[1], shape[1], lines, logarithm);
    }
}

/* ndim, axes that make a line, whether the logarithm is wanted; first the axes along which lines are counted,
   then those that make a line */
PT_UNUSED static int PT_NAME(softmax)(pt_ctx *ctx, pt_array *const *args, const void *program)
{
    const int64_t *p = pt_parameters(program), *order = p + 3;
    const int ndim = (int)p[0], reduced = (int)p[1], logarithm = (int)p[2];
    const pt_array *x = args[0];
    pt_array *z = args[1];
    int64_t shape[ndim + 1], xs[ndim + 1], zs[ndim + 1], strides[ndim + 1];
    int64_t rows = 1, n = 1, step = sizeof(T);
    int sorted = 1;
    pt_same_shape(z, x, ndim);
    const int status = pt_alloc(ctx, z, ndim, sizeof(T));
    if (status)
        return status;
    for (int k = ndim - 1; k >= 0; k--) {
        sorted &= order[k] == k;
        shape[k] = x->shape[order[k]];
        xs[k] = x->strides[order[k]];
        zs[k] = z->strides[order[k]];
        strides[k] = step;
        step *= shape[k];
        *(k >= ndim - reduced ? &n : &rows) *= shape[k];
    }
    if (rows == 0 || n == 0)
        return PT_OK;
    pt_heavy(ctx, 4.0 * (double)rows * (double)n);
    if (!sorted && reduced == 1 && shape[ndim - 2] >= 8 && xs[ndim - 2] == sizeof(T) &&
            zs[ndim - 2] == sizeof(T)) {
        PT_NAME(softmax_panels)(z->data, zs, x->data, xs, shape, ndim, logarithm);
        return PT_OK;
    }
    T *lines = (T *)z->data;
    if (!sorted && !(lines = pt_scratch(ctx, rows * n * (int64_t)sizeof(T))))
        return pt_fail(ctx, PT_MEMORY, "[Softmax] no memory for %lld elements", (long long)(rows * n));
    const T *from = (const T *)x->data;
    if (!sorted || !pt_is_c_contiguous(x, ndim, sizeof(T))) {
        pt_copy((char *)lines, strides, x->data, xs, shape, ndim, sizeof(T));
        from = lines;
    }
    if (n <= PT_BLOCK)
        PT_NAME(softmax_short)(lines, from, rows, n, logarithm);
    else
        for (int64_t r = 0; r < rows; r++)
            PT_NAME(softmax_long)(lines + r * n, from + r * n, n, logarithm);
    if (!sorted)
        pt_copy(z->data, zs, (const char *)lines, strides, shape, ndim, sizeof(T));
    return PT_OK;
}

#undef PT_NAME
#undef PT_EXP
#undef PT_LOG
#undef LANES
#undef PT_BLOCK
#undef PT_PANEL
#ifdef PT_ALONE
#undef T
#undef PT_SUFFIX
#undef PT_ALONE
#endif
