/* Elementwise kernels: broadcast, check and classify the operands once, then call a loop over unit strides.
   Part of driver.c.

   A loop (generated, one per scalar program) reads and writes contiguous elements. Operands that are not
   contiguous are packed into small buffers a tile at a time, so that one loop serves every layout. */
#ifndef PYTENSOR_DRIVER_ELEMWISE_H
#define PYTENSOR_DRIVER_ELEMWISE_H

#include <stdio.h>

#include "pytensor.h"
#include "elemwise.h"

#if defined(__GNUC__)
#define PT_COLD __attribute__((cold, noinline))
#define PT_NOINLINE __attribute__((noinline))
#else
#define PT_COLD
#define PT_NOINLINE
#endif

#define PT_TILE 512
#define PT_MAX_NDIM 64

/* Lengths that differ: the message names the Op, the axis and all shapes. */
PT_COLD static int pt_elemwise_mismatch(pt_ctx *ctx, const pt_elemwise *e, pt_array *const *args, int axis)
{
    char text[400];
    size_t at = 0;
    int one = 0;
    for (int i = 0; i < e->nin; i++) {
        if (!(e->repeats[i] >> axis & 1) && args[i]->shape[axis] == 1)
            one = 1;
        if (at > sizeof text - 100)
            continue;
        at += (size_t)snprintf(text + at, 8, i ? ", (" : "(");
        for (int k = 0; k < e->ndim && at < sizeof text - 60; k++)
            at += (size_t)snprintf(text + at, 30, k ? ", %lld" : "%lld", (long long)args[i]->shape[k]);
        at += (size_t)snprintf(text + at, 8, e->ndim == 1 ? ",)" : ")");
    }
    if (one)
        return pt_fail(ctx, PT_VALUE_ERROR,
                "[%s] Runtime broadcasting not allowed. One input had a distinct dimension length of 1, but "
                "was "
                "not marked as broadcastable: axis %d of %s. If broadcasting was intended, use "
                "`specify_broadcastable` on the relevant input.",
                e->name, axis, text);
    return pt_fail(ctx, PT_VALUE_ERROR,
            "[%s] Input dimension mismatch: operands could not be broadcast together on axis %d, got shapes "
            "%s",
            e->name, axis, text);
}

/* Find the shape of the outputs; lengths that are not repeated must agree. */
static int pt_elemwise_shape(pt_ctx *ctx, const pt_elemwise *e, pt_array *const *args, int64_t *shape)
{
    for (int k = 0; k < e->ndim; k++) {
        int64_t length = -1;
        for (int i = 0; i < e->nin; i++) {
            if (e->repeats[i] >> k & 1)
                continue;
            if (length < 0)
                length = args[i]->shape[k];
            else if (PT_UNLIKELY(length != args[i]->shape[k]))
                return pt_elemwise_mismatch(ctx, e, args, k);
        }
        shape[k] = length < 0 ? 1 : length;
    }
    return PT_OK;
}

typedef struct {
    uint64_t part[2];
} pt_pair;

/* An n0 x n1 plane of elements. */
#define PT_MOVE(TYPE)                                                                                        \
    for (int64_t i = 0; i < n0; i++, z += z0, x += x0) {                                                     \
        char *to = z;                                                                                        \
        const char *from = x;                                                                                \
        for (int64_t j = 0; j < n1; j++, to += z1, from += x1)                                               \
            *(TYPE *)to = *(const TYPE *)from;                                                               \
    }                                                                                                        \
    return

/* A line, four elements at a time (a plane is slower so: measured). */
#define PT_MOVE_LINE(TYPE)                                                                                   \
    for (; n >= 4; n -= 4, z += 4 * zs, x += 4 * xs) {                                                       \
        const TYPE a = *(const TYPE *)x, b = *(const TYPE *)(x + xs);                                        \
        const TYPE c = *(const TYPE *)(x + 2 * xs), d = *(const TYPE *)(x + 3 * xs);                         \
        *(TYPE *)z = a;                                                                                      \
        *(TYPE *)(z + zs) = b;                                                                               \
        *(TYPE *)(z + 2 * zs) = c;                                                                           \
        *(TYPE *)(z + 3 * zs) = d;                                                                           \
    }                                                                                                        \
    for (; n > 0; n--, z += zs, x += xs)                                                                     \
        *(TYPE *)z = *(const TYPE *)x;                                                                       \
    return

PT_NOINLINE static void pt_move_line(
        char *z, int64_t zs, const char *x, int64_t xs, int64_t n, int64_t itemsize)
{
    switch (itemsize) {
    case 1:
        PT_MOVE_LINE(uint8_t);
    case 2:
        PT_MOVE_LINE(uint16_t);
    case 4:
        PT_MOVE_LINE(uint32_t);
    case 8:
        PT_MOVE_LINE(uint64_t);
    default:
        PT_MOVE_LINE(pt_pair);
    }
}

PT_NOINLINE static void pt_move(char *z, int64_t z0, int64_t z1, const char *x, int64_t x0, int64_t x1,
        int64_t n0, int64_t n1, int64_t itemsize)
{
    switch (itemsize) {
    case 1:
        PT_MOVE(uint8_t);
    case 2:
        PT_MOVE(uint16_t);
    case 4:
        PT_MOVE(uint32_t);
    case 8:
        PT_MOVE(uint64_t);
    default:
        PT_MOVE(pt_pair);
    }
}

#undef PT_MOVE
#undef PT_MOVE_LINE

static inline int64_t pt_far(int64_t stride)
{
    return stride < 0 ? -stride : stride;
}

/* A tile of r x c elements between an array (strides s0, s1) and a contiguous buffer. */
static void pt_pack(
        char *buffer, char *x, int64_t s0, int64_t s1, int64_t r, int64_t c, int64_t itemsize, int back)
{
    int64_t b0 = c * itemsize, b1 = itemsize;
    if (r == 1 || c == 1) {
        const int64_t stride = r == 1 ? s1 : s0;
        if (back)
            pt_move_line(x, stride, buffer, itemsize, r * c, itemsize);
        else
            pt_move_line(buffer, itemsize, x, stride, r * c, itemsize);
        return;
    }
    if (pt_far(s0) < pt_far(s1)) {
        int64_t t = s0;
        s0 = s1, s1 = t;
        t = b0, b0 = b1, b1 = t;
        t = r, r = c, c = t;
    }
    if (back)
        pt_move(x, s0, s1, buffer, b0, b1, r, c, itemsize);
    else
        pt_move(buffer, b0, b1, x, s0, s1, r, c, itemsize);
}

/* How the operands lie: axes of length 1 dropped, neighbours merged. */
typedef struct {
    int n, ndim;      /* operands, axes */
    int64_t *shape;   /* of each axis */
    int64_t *strides; /* operand i along axis k: strides[i * PT_MAX_NDIM + k] */
    uint8_t *scalar;  /* of each operand: one element for all */
} pt_layout;

/* Make one axis of two that follow each other in every operand. */
static void pt_collapse(pt_layout *l, int ndim)
{
    int m = 0;
    for (int k = 0; k < ndim; k++) {
        if (l->shape[k] == 1)
            continue;
        int joined = m > 0;
        for (int i = 0; i < l->n && joined; i++) {
            const int64_t *s = l->strides + i * PT_MAX_NDIM;
            joined = s[m - 1] == s[k] * l->shape[k];
        }
        if (joined)
            l->shape[m - 1] *= l->shape[k];
        else
            l->shape[m++] = l->shape[k];
        for (int i = 0; i < l->n; i++)
            l->strides[i * PT_MAX_NDIM + m - 1] = l->strides[i * PT_MAX_NDIM + k];
    }
    /* The loops below want two axes. */
    while (m < 2) {
        for (int i = 0; i < l->n; i++) {
            int64_t *s = l->strides + i * PT_MAX_NDIM;
            s[1] = m ? s[0] : 0;
            s[0] = 0;
        }
        l->shape[1] = m ? l->shape[0] : 1;
        l->shape[0] = 1;
        m = 2;
    }
    l->ndim = m;
}

/* Tile sizes over the last two axes. */
static void pt_tiles(const pt_layout *l, const int32_t *itemsize, int64_t *rows, int64_t *cols)
{
    const int64_t n0 = l->shape[l->ndim - 2], n1 = l->shape[l->ndim - 1];
    int packed = 0, crossed = 0;
    for (int i = 0; i < l->n; i++) {
        const int64_t *s = l->strides + i * PT_MAX_NDIM + l->ndim - 2;
        packed |= s[1] != itemsize[i] && !l->scalar[i];
        crossed |= s[0] && pt_far(s[0]) < pt_far(s[1]);
    }
    *rows = 1, *cols = n1;
    if (!packed && n1 >= 64)
        return;
    if (crossed && n0 >= 8 && n1 >= 8) {
        *cols = n1 < 32 ? n1 : 32;
        *rows = PT_TILE / *cols;
    } else if (n1 >= PT_TILE)
        *cols = PT_TILE;
    else
        *rows = PT_TILE / n1;
    if (*rows > n0)
        *rows = n0;
}

/* One tile: pack what is not contiguous, run the loop, put outputs back. */
static void pt_tile(pt_loop *loop, const pt_layout *l, const pt_elemwise *e, char *const *at, char *buffers,
        int64_t r, int64_t c)
{
    char *data[l->n];
    for (int i = 0; i < l->n; i++) {
        const int64_t *s = l->strides + i * PT_MAX_NDIM + l->ndim - 2;
        const int64_t size = e->itemsize[i];
        data[i] = at[i];
        if (l->scalar[i] || ((c == 1 || s[1] == size) && (r == 1 || s[0] == c * size)))
            continue;
        data[i] = buffers + (int64_t)i * PT_TILE * 16;
        if (i < e->nin)
            pt_pack(data[i], at[i], s[0], s[1], r, c, size, 0);
    }
    loop(data, r * c, e->program);
    for (int i = e->nin; i < l->n; i++)
        if (data[i] != at[i]) {
            const int64_t *s = l->strides + i * PT_MAX_NDIM + l->ndim - 2;
            pt_pack(data[i], at[i], s[0], s[1], r, c, e->itemsize[i], 1);
        }
}

/* All tiles of the last two axes. */
static void pt_plane(pt_loop *loop, const pt_layout *l, const pt_elemwise *e, char *const *at, char *buffers,
        int64_t rows, int64_t cols)
{
    char *corner[l->n];
    const int64_t n0 = l->shape[l->ndim - 2], n1 = l->shape[l->ndim - 1];
    for (int64_t i = 0; i < n0; i += rows)
        for (int64_t j = 0; j < n1; j += cols) {
            for (int k = 0; k < l->n; k++) {
                const int64_t *s = l->strides + k * PT_MAX_NDIM + l->ndim - 2;
                corner[k] = at[k] + i * s[0] + j * s[1];
            }
            pt_tile(loop, l, e, corner, buffers, n0 - i < rows ? n0 - i : rows,
                    n1 - j < cols ? n1 - j : cols);
        }
}

/* Any layout: planes of the last two axes, over the other axes in C order. */
PT_COLD static int pt_elemwise_strided(
        pt_ctx *ctx, const pt_elemwise *e, pt_array *const *args, pt_loop *loop, const int64_t *lengths)
{
    const int n = e->nin + e->nout;
    int64_t shape[PT_MAX_NDIM + 1], strides[n * PT_MAX_NDIM], index[PT_MAX_NDIM] = {0}, rows, cols;
    uint8_t scalar[n];
    char *at[n];
    pt_layout l = {n, e->ndim, shape, strides, scalar};
    for (int k = 0; k < e->ndim; k++)
        shape[k] = lengths[k];
    for (int i = 0; i < n; i++) {
        const uint64_t repeats = i < e->nin ? e->repeats[i] : 0;
        scalar[i] = i < e->nin && repeats == ((uint64_t)2 << (e->ndim - 1)) - 1;
        at[i] = args[i]->data;
        for (int k = 0; k < e->ndim; k++)
            strides[i * PT_MAX_NDIM + k] = repeats >> k & 1 ? 0 : args[i]->strides[k];
    }
    pt_collapse(&l, e->ndim);
    pt_tiles(&l, e->itemsize, &rows, &cols);
    char *buffers = NULL;
    if (rows * cols <= PT_TILE && !(buffers = pt_scratch(ctx, (int64_t)n * PT_TILE * 16)))
        return PT_MEMORY;
    for (;;) {
        pt_plane(loop, &l, e, at, buffers, rows, cols);
        int k = l.ndim - 3;
        for (; k >= 0; k--) {
            const int more = ++index[k] < shape[k];
            for (int i = 0; i < n; i++)
                at[i] += strides[i * PT_MAX_NDIM + k] * (more ? 1 : 1 - shape[k]);
            if (more)
                break;
            index[k] = 0;
        }
        if (k < 0)
            return PT_OK;
    }
}

/* Shape and memory of the outputs; false size means an error or nothing to do, see *status. */
static int64_t pt_elemwise_outputs(
        pt_ctx *ctx, const pt_elemwise *e, pt_array *const *args, const int64_t *shape, int *status)
{
    int64_t size = 1;
    for (int k = 0; k < e->ndim; k++)
        size *= shape[k];
    for (int j = 0; j < e->nout; j++) {
        pt_array *z = args[e->nin + j];
        if (e->destroys && e->destroys[j] >= 0) {
            pt_view(z, args[e->destroys[j]], e->ndim);
            continue;
        }
        for (int k = 0; k < e->ndim; k++)
            z->shape[k] = shape[k];
        if (PT_UNLIKELY((*status = pt_alloc(ctx, z, e->ndim, e->itemsize[e->nin + j]))))
            return 0;
    }
    return size;
}

/* The whole work of an elementwise node; args are the inputs, then the outputs. */
static int pt_elemwise_run(pt_ctx *ctx, const pt_elemwise *e, pt_array *const *args, pt_loop *loop)
{
    int64_t shape[PT_MAX_NDIM];
    int status = pt_elemwise_shape(ctx, e, args, shape);
    if (PT_UNLIKELY(status))
        return status;
    const int64_t size = pt_elemwise_outputs(ctx, e, args, shape, &status);
    if (PT_UNLIKELY(size == 0))
        return status;
    pt_heavy(ctx, (double)size * e->cost);
    const uint64_t all = ((uint64_t)2 << (e->ndim - 1)) - 1;
    char *data[e->nin + e->nout];
    int flat = 1;
    for (int i = 0; i < e->nin + e->nout && flat; i++) {
        const uint64_t repeats = i < e->nin ? e->repeats[i] : 0;
        data[i] = args[i]->data;
        if (repeats == all)
            continue;
        int64_t stride = e->itemsize[i];
        for (int k = e->ndim - 1; k >= 0; k--) {
            /* An axis of length 1 goes anywhere; a repeated one must have that length. */
            if (shape[k] == 1)
                continue;
            if ((repeats >> k & 1) || args[i]->strides[k] != stride) {
                flat = 0;
                break;
            }
            stride *= shape[k];
        }
    }
    if (!flat)
        return pt_elemwise_strided(ctx, e, args, loop, shape);
    loop(data, size, e->program);
    return PT_OK;
}

#endif
