/* Convolution of vectors and matrices, included once per real type; complex numbers are two planes of it.
   Parameters: dispatch/convolve.py. */
#include "fourier.h"
#include "glue.h"
#include "views.h"

#ifndef PT_SUFFIX
#define PT_ALONE
#define T double
#define PT_SUFFIX f64
#endif

#define PT_NAME(f) PT_GLUE(f, PT_SUFFIX)

#ifndef PT_CONVOLVE
#define PT_CONVOLVE
/* Sizes of one convolution: x is n by m, w is k by l, z is rows by columns. */
typedef struct {
    int64_t n, m, k, l, rows, columns;
    int full;
} pt_convolution;

/* Where an operand lies: its core axes, and strides of the batch. */
typedef struct {
    const char *data;
    int64_t row, column;
} pt_plane;

/* Products, a nanosecond for eight of them. */
static inline double pt_direct_cost(const pt_convolution *c)
{
    return 0.125 * (double)c->rows * (double)c->columns * (double)c->k * (double)c->l;
}
#endif

/* z[r, i] += sum over j, q of x[r + first - j, i + q] w[j, l - 1 - q]: a row of z needs k rows of x. */
static void PT_NAME(convolve_rows)(
        T *restrict z, const pt_convolution *c, const T *restrict x, const T *restrict w)
{
    const int64_t first = c->full ? 0 : c->k - 1, pitch = c->full ? c->m + 2 * (c->l - 1) : c->m;
    for (int64_t r = 0; r < c->rows; r++) {
        const int64_t top = r + first;
        const int64_t begin = top >= c->n ? top - c->n + 1 : 0, end = top < c->k - 1 ? top + 1 : c->k;
        int64_t i = 0;
#if defined(__GNUC__)
        typedef T vec __attribute__((vector_size(64)));
        enum { lanes = 64 / sizeof(T) };
        for (; i + 4 * lanes <= c->columns; i += 4 * lanes) {
            vec a0, a1, a2, a3, x0, x1, x2, x3;
            T *to = z + r * c->columns + i;
            memcpy(&a0, to, sizeof a0);
            memcpy(&a1, to + lanes, sizeof a0);
            memcpy(&a2, to + 2 * lanes, sizeof a0);
            memcpy(&a3, to + 3 * lanes, sizeof a0);
            for (int64_t j = begin; j < end; j++) {
                const T *from = x + (top - j) * pitch + i, *by = w + j * c->l;
                for (int64_t q = 0; q < c->l; q++, from++) {
                    memcpy(&x0, from, sizeof x0);
                    memcpy(&x1, from + lanes, sizeof x0);
                    memcpy(&x2, from + 2 * lanes, sizeof x0);
                    memcpy(&x3, from + 3 * lanes, sizeof x0);
                    a0 += x0 * by[q];
                    a1 += x1 * by[q];
                    a2 += x2 * by[q];
                    a3 += x3 * by[q];
                }
            }
            memcpy(to, &a0, sizeof a0);
            memcpy(to + lanes, &a1, sizeof a0);
            memcpy(to + 2 * lanes, &a2, sizeof a0);
            memcpy(to + 3 * lanes, &a3, sizeof a0);
        }
#endif
        for (; i + 8 <= c->columns; i += 8) {
            T a[8];
            memcpy(a, z + r * c->columns + i, sizeof a);
            for (int64_t j = begin; j < end; j++)
                for (int64_t q = 0; q < c->l; q++)
                    for (int u = 0; u < 8; u++)
                        a[u] += x[(top - j) * pitch + i + q + u] * w[j * c->l + q];
            memcpy(z + r * c->columns + i, a, sizeof a);
        }
        for (; i < c->columns; i++) {
            T a = z[r * c->columns + i];
            for (int64_t j = begin; j < end; j++)
                for (int64_t q = 0; q < c->l; q++)
                    a += x[(top - j) * pitch + i + q] * w[j * c->l + q];
            z[r * c->columns + i] = a;
        }
    }
}

/* The same without the products with zeros beyond the ends of x: w is not finite. */
static void PT_NAME(convolve_exactly)(
        T *restrict z, const pt_convolution *c, const T *restrict x, const T *restrict w)
{
    const int64_t first = c->full ? 0 : c->k - 1, margin = c->full ? c->l - 1 : 0, pitch = c->m + 2 * margin;
    for (int64_t r = 0; r < c->rows; r++)
        for (int64_t j = 0; j < c->k; j++) {
            const int64_t row = r + first - j;
            for (int64_t i = 0; row >= 0 && row < c->n && i < c->columns; i++)
                for (int64_t q = 0; q < c->l; q++)
                    if (i + q >= margin && i + q < margin + c->m)
                        z[r * c->columns + i] += x[row * pitch + i + q] * w[j * c->l + q];
        }
}

/* Copy a plane with `margin` zeros on both sides of its rows; `part` is 1 for imaginary parts, and `flip`
   reverses rows. */
static void PT_NAME(take_plane)(
        T *to, const pt_plane *x, int64_t rows, int64_t columns, int64_t margin, int part, int flip, T sign)
{
    for (int64_t r = 0; r < rows; r++) {
        const char *row = x->data + r * x->row + part * (int64_t)sizeof(T);
        memset(to, 0, (size_t)margin * sizeof(T));
        to += margin;
        for (int64_t i = 0; i < columns; i++)
            to[flip ? columns - 1 - i : i] = sign * *(const T *)(row + i * x->column);
        to += columns;
        memset(to, 0, (size_t)margin * sizeof(T));
        to += margin;
    }
}

static int PT_NAME(all_finite)(const pt_plane *x, int64_t rows, int64_t columns, int parts)
{
    T sum = 0;
    for (int64_t r = 0; r < rows; r++)
        for (int64_t i = 0; i < columns; i++)
            for (int part = 0; part < parts; part++)
                sum += 0 * ((const T *)(x->data + r * x->row + i * x->column))[part];
    return sum == 0;
}

/* The rows of both, each as long as a row of the full result, one after the other: one long convolution. */
static void PT_NAME(convolve_fft)(T *z, const pt_convolution *c, const pt_plane *x, const pt_plane *w,
        const int *parts, T sign, double *all)
{
    const int64_t width = c->m + c->l - 1, nx = (c->n - 1) * width + c->m, nw = (c->k - 1) * width + c->l;
    const int64_t n = nx > nw ? nx : nw, k = nx > nw ? nw : nx, total = (c->n + c->k - 1) * width;
    double cost;
    const int64_t length = pt_fft_length(n, k, &cost);
    double *out = all, *a = all + total, *b = a + nx, *work = b + nw;
    memset(all, 0, (size_t)(total + nx + nw) * 8);
    for (int64_t r = 0; r < c->n; r++)
        for (int64_t i = 0; i < c->m; i++)
            a[r * width + i] = (double)((const T *)(x->data + r * x->row + i * x->column))[parts[0]];
    for (int64_t r = 0; r < c->k; r++)
        for (int64_t i = 0; i < c->l; i++)
            b[r * width + i] = (double)((const T *)(w->data + r * w->row + i * w->column))[parts[1]];
    pt_fft_convolve(out, nx > nw ? a : b, n, nx > nw ? b : a, k, length, work);
    const int64_t top = c->full ? 0 : c->k - 1, left = c->full ? 0 : c->l - 1;
    for (int64_t r = 0; r < c->rows; r++)
        for (int64_t i = 0; i < c->columns; i++)
            z[r * c->columns + i] += sign * (T)out[(r + top) * width + left + i];
}

/* One convolution into planes of z, which are zeros; `work` holds copies of x and w, `transforms` (NULL:
   none) what transforms need. */
static void PT_NAME(convolve_one)(T *z, const pt_convolution *c, const pt_plane *x, const pt_plane *w,
        int parts, T *work, double *transforms)
{
    const int64_t margin = c->full ? c->l - 1 : 0, size = c->rows * c->columns;
    const int exactly = !PT_NAME(all_finite)(w, c->k, c->l, parts);
    const int direct = !transforms || exactly || !PT_NAME(all_finite)(x, c->n, c->m, parts);
    T *flipped = work + c->n * (c->m + 2 * margin);
    for (int p = 0; p < parts; p++) {
        if (direct)
            PT_NAME(take_plane)(work, x, c->n, c->m, margin, p, 0, 1);
        for (int q = 0; q < parts; q++) {
            const T sign = p + q == 2 ? -1 : 1;
            const int which[] = {p, q};
            T *to = z + (p ^ q) * size;
            if (direct) {
                PT_NAME(take_plane)(flipped, w, c->k, c->l, 0, q, 1, sign);
                (exactly ? PT_NAME(convolve_exactly) : PT_NAME(convolve_rows))(to, c, work, flipped);
            } else
                PT_NAME(convolve_fft)(to, c, x, w, which, sign, transforms);
        }
    }
}

/* batch axes; core axes (1 or 2); whether full; parts (2: complex); whether transforms are allowed; masks of
   the batch axes along which x and w are known to have length 1 */
PT_KERNEL(PT_NAME(convolve))
{
    const int64_t *p = pt_parameters(program), batch = p[0], core = p[1];
    const int parts = (int)p[3];
    const pt_array *in[2] = {args[0], args[1]};
    pt_array *z = args[2];
    pt_convolution c = {1, 1, 1, 1, 1, 1, (int)p[2]};
    int64_t mask[2] = {p[5], p[6]}, *size[] = {&c.n, &c.k, &c.m, &c.l};
    for (int64_t i = 0; i < core; i++)
        for (int s = 0; s < 2; s++) {
            const int64_t length = in[s]->shape[batch + i];
            if (length == 0)
                return pt_fail(ctx, PT_VALUE_ERROR, "[Convolve%dd] in%d cannot be empty", (int)core, s + 1);
            *size[s + 2 * (core == 1 || i == 1)] = length;
        }
    if (!c.full && (c.n - c.k) * (c.m - c.l) < 0)
        return pt_fail(ctx, PT_VALUE_ERROR,
                "[Convolve2d] for 'valid' mode one input must be at least as large as the other in every "
                "dimension, got (%lld, %lld) and (%lld, %lld)",
                (long long)c.n, (long long)c.m, (long long)c.k, (long long)c.l);
    c.rows = c.full ? c.n + c.k - 1 : (c.n > c.k ? c.n - c.k : c.k - c.n) + 1;
    c.columns = c.full ? c.m + c.l - 1 : (c.m > c.l ? c.m - c.l : c.l - c.m) + 1;
    /* The shorter rows are w: convolution commutes. */
    if (c.m < c.l || (c.m == c.l && c.n < c.k)) {
        int64_t keep = c.n;
        c.n = c.k, c.k = keep;
        keep = c.m, c.m = c.l, c.l = keep;
        keep = mask[0], mask[0] = mask[1], mask[1] = keep;
        in[0] = args[1], in[1] = args[0];
    }
    for (int64_t i = 0; i < batch; i++) {
        const int64_t n = in[0]->shape[i], m = in[1]->shape[i];
        if (n != m && !(mask[0] >> i & 1) && !(mask[1] >> i & 1))
            return pt_fail(ctx, PT_VALUE_ERROR,
                    n == 1 || m == 1
                            ? "Runtime broadcasting not allowed. At least one input has a distinct batch "
                              "dimension length of 1, but was not marked as broadcastable.\nIf broadcasting "
                              "was intended, use `specify_broadcastable` on the relevant input."
                            : "[Convolve%dd] batch dimensions must agree, got %lld and %lld",
                    (int)core, (long long)n, (long long)m);
        z->shape[i] = mask[0] >> i & 1 ? m : n;
    }
    if (core == 2)
        z->shape[batch] = c.rows;
    z->shape[batch + core - 1] = c.columns;
    int status = pt_alloc(ctx, z, (int)(batch + core), parts * (int64_t)sizeof(T));
    if (status)
        return status;
    const int64_t total = pt_size(z, (int)(batch + core)), one = c.rows * c.columns;
    if (total == 0)
        return PT_OK;
    const int64_t width = c.m + c.l - 1, nx = (c.n - 1) * width + c.m, nw = (c.k - 1) * width + c.l;
    double fft_cost;
    const int64_t length = pt_fft_length(nx > nw ? nx : nw, nx > nw ? nw : nx, &fft_cost);
    /* Direct sums are more accurate: transforms must pay. */
    const int transform = p[4] == 2 || (p[4] && 3 * fft_cost < pt_direct_cost(&c));
    const double cost = parts * parts * (transform ? fft_cost : pt_direct_cost(&c));
    pt_heavy(ctx, (double)(total / one) * cost);
    const int64_t copies = c.n * (c.m + 2 * (c.l - 1)) + c.k * c.l;
    const int64_t numbers = transform ? (c.n + c.k - 1) * width + nx + nw + 4 * length : 0;
    double *transforms = pt_scratch(ctx, 8 * numbers + (copies + parts * one) * (int64_t)sizeof(T));
    if (!transforms)
        return pt_fail(ctx, PT_MEMORY, "[Convolve%dd] no memory for copies", (int)core);
    T *work = (T *)(transforms + numbers), *planes = work + copies, *to = (T *)z->data;
    int64_t index[65] = {0};
    double since = 0;
    for (int64_t done = 0; done < total; done += one) {
        pt_plane x[2];
        for (int s = 0; s < 2; s++) {
            x[s].data = in[s]->data;
            for (int64_t i = 0; i < batch; i++)
                x[s].data += mask[s] >> i & 1 ? 0 : index[i] * in[s]->strides[i];
            x[s].column = in[s]->strides[batch + core - 1];
            x[s].row = core == 2 ? in[s]->strides[batch] : 0;
        }
        T *into = parts == 1 ? to + done : planes;
        memset(into, 0, (size_t)(parts * one) * sizeof(T));
        PT_NAME(convolve_one)(into, &c, &x[0], &x[1], parts, work, transform ? transforms : NULL);
        for (int64_t i = 0; parts == 2 && i < one; i++) {
            to[2 * (done + i)] = planes[i];
            to[2 * (done + i) + 1] = planes[one + i];
        }
        for (int64_t i = batch - 1; i >= 0 && ++index[i] == z->shape[i]; i--)
            index[i] = 0;
        since += cost;
        if (since > 5e7 && done + one < total) {
            since = 0;
            if ((status = pt_pause(ctx)))
                return status;
        }
    }
    return PT_OK;
}

#undef PT_NAME
#ifdef PT_ALONE
#undef T
#undef PT_SUFFIX
#undef PT_ALONE
#endif
