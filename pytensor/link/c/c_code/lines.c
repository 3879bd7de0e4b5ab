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
    pt_heavy(ctx, (double)lines * (double)length);
    const char *at = x->data;
    for (int64_t i = 0; i < lines; i++, pt_walk(&at, index, x, p + 2, kept)) {
        int64_t inner[65] = {0}, position = 0, from = 0;
        const char *line = at;
        T best = *(const T *)at;
        do {
            const char *e = line;
            for (int64_t k = 0; k < row; k++, e += step) {
                const T v = *(const T *)e;
                /* The first NaN wins, as in NumPy: nothing after it compares as larger or as a new NaN. */
                if (v > best || (v != v && best == best)) {
                    best = v;
                    position = from + k;
                }
            }
            from += row;
        } while (pt_walk(&line, inner, x, axes, n - 1));
        ((int64_t *)z->data)[i] = position;
    }
    return PT_OK;
}
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
