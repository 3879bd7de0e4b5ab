/* Moving elements between strided arrays, by element size. */
#ifndef PT_COPY_H
#define PT_COPY_H

#include "pytensor.h"

typedef struct {
    uint64_t part[2];
} pt_bytes16;

#define PT_COPY_LOOP(TYPE)                                                                                   \
    for (int64_t i = 0; i < n; i++)                                                                          \
        *(TYPE *)(z + i * zs) = *(const TYPE *)(x + i * xs);                                                 \
    return

/* One line of elements. */
static inline void pt_copy_line(char *z, int64_t zs, const char *x, int64_t xs, int64_t n, int64_t itemsize)
{
    if (zs == itemsize && xs == itemsize) {
        memcpy(z, x, (size_t)(n * itemsize));
        return;
    }
    switch (itemsize) {
    case 1:
        PT_COPY_LOOP(uint8_t);
    case 2:
        PT_COPY_LOOP(uint16_t);
    case 4:
        PT_COPY_LOOP(uint32_t);
    case 8:
        PT_COPY_LOOP(uint64_t);
    default:
        PT_COPY_LOOP(pt_bytes16);
    }
}

#undef PT_COPY_LOOP

/* A plane whose lines are far apart in x: tiles keep the cache lines of both sides in use. */
static void pt_copy_plane(char *z, int64_t zs0, int64_t zs1, const char *x, int64_t xs0, int64_t xs1,
        int64_t n0, int64_t n1, int64_t itemsize)
{
    const int64_t tile = 32;
    int64_t near = xs0 < 0 ? -xs0 : xs0, far = xs1 < 0 ? -xs1 : xs1;
    if (near >= far || n0 < 8 || n1 < 8) {
        for (int64_t i = 0; i < n0; i++)
            pt_copy_line(z + i * zs0, zs1, x + i * xs0, xs1, n1, itemsize);
        return;
    }
    for (int64_t i = 0; i < n0; i += tile)
        for (int64_t j = 0; j < n1; j += tile)
            for (int64_t k = i; k < n0 && k < i + tile; k++)
                pt_copy_line(z + k * zs0 + j * zs1, zs1, x + k * xs0 + j * xs1, xs1,
                        n1 - j < tile ? n1 - j : tile, itemsize);
}

/* z[...] = x[...] for arrays of one shape; strides of 0 in x repeat elements. */
static void pt_copy(char *z, const int64_t *zs, const char *x, const int64_t *xs, const int64_t *shape,
        int ndim, int64_t itemsize)
{
    int64_t index[64] = {0};
    for (int k = 0; k < ndim; k++)
        if (shape[k] == 0)
            return;
    /* Trailing axes that are contiguous on both sides are one line. */
    int64_t line = itemsize;
    while (ndim > 0 && (shape[ndim - 1] == 1 || (zs[ndim - 1] == line && xs[ndim - 1] == line)))
        line *= shape[--ndim];
    if (ndim == 0) {
        memcpy(z, x, (size_t)line);
        return;
    }
    if (line != itemsize) {
        /* Lines take the place of elements. */
        for (;;) {
            memcpy(z, x, (size_t)line);
            int k = ndim - 1;
            for (; k >= 0; k--) {
                z += zs[k];
                x += xs[k];
                if (++index[k] < shape[k])
                    break;
                z -= zs[k] * shape[k];
                x -= xs[k] * shape[k];
                index[k] = 0;
            }
            if (k < 0)
                return;
        }
    }
    const int inner = ndim >= 2 ? 2 : 1;
    const int64_t n0 = inner == 2 ? shape[ndim - 2] : 1;
    const int64_t zs0 = inner == 2 ? zs[ndim - 2] : 0, xs0 = inner == 2 ? xs[ndim - 2] : 0;
    for (;;) {
        pt_copy_plane(z, zs0, zs[ndim - 1], x, xs0, xs[ndim - 1], n0, shape[ndim - 1], itemsize);
        int k = ndim - inner - 1;
        for (; k >= 0; k--) {
            z += zs[k];
            x += xs[k];
            if (++index[k] < shape[k])
                break;
            z -= zs[k] * shape[k];
            x -= xs[k] * shape[k];
            index[k] = 0;
        }
        if (k < 0)
            return;
    }
}

#endif
