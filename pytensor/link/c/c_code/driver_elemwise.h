/* Elementwise kernels: broadcast, check and classify the operands once, then call a loop over unit strides.
   Part of driver.c.

   A loop (generated, one per scalar program) reads and writes contiguous elements. Operands that are not
   contiguous are packed into small buffers a tile at a time, so that one loop serves every layout. */
#ifndef PYTENSOR_DRIVER_ELEMWISE_H
#define PYTENSOR_DRIVER_ELEMWISE_H

#include <stdio.h>

#include "pytensor.h"
#include "driver_pack.h"
#include "elemwise.h"

/* Elements of a tile, and of one in which an operand is transposed (few lines of memory are touched twice).
 */
#define PT_TILE 1024
#define PT_CROSSED_TILE 2048
/* Rows from this length on are worth a call of the loop. */
#define PT_ROW 32
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

/* How the operands lie: axes of length 1 dropped, neighbours merged. */
typedef struct {
    int n, ndim;      /* operands, axes */
    int64_t *shape;   /* of each axis */
    int64_t *strides; /* operand i along axis k: strides[i * PT_MAX_NDIM + k] */
    uint8_t *scalar;  /* of each operand: one element for all */
    char *buffers;    /* packed operands, `room` bytes each */
    int64_t room;
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

/* Tile sizes over the last two axes; false if no operand needs a buffer. */
static int pt_tiles(const pt_layout *l, const int32_t *itemsize, int64_t *rows, int64_t *cols)
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
        return 0;
    if (crossed && n0 >= 8 && n1 >= 8) {
        *cols = n1 < PT_ROW ? n1 : PT_ROW;
        *rows = PT_CROSSED_TILE / *cols;
    } else if (n1 >= PT_TILE)
        *cols = PT_TILE;
    else
        *rows = PT_TILE / n1;
    if (*rows > n0)
        *rows = n0;
    return 1;
}

/* One tile: pack what is not contiguous, run the loop, put outputs back. Long rows are run one by one, so
   that only operands that are not contiguous along them need packing. */
static void pt_tile(
        pt_loop *loop, const pt_layout *l, const pt_elemwise *e, char *const *at, int64_t r, int64_t c)
{
    char *data[l->n];
    int64_t step[l->n];
    const int by_rows = c >= PT_ROW;
    int flat = 1;
    for (int i = 0; i < l->n; i++) {
        const int64_t *s = l->strides + i * PT_MAX_NDIM + l->ndim - 2;
        const int64_t size = e->itemsize[i];
        data[i] = at[i];
        step[i] = l->scalar[i] ? 0 : s[0];
        if (l->scalar[i] || ((c == 1 || s[1] == size) && (r == 1 || by_rows || s[0] == c * size))) {
            flat &= l->scalar[i] || r == 1 || s[0] == c * size;
            continue;
        }
        data[i] = l->buffers + i * l->room;
        step[i] = c * size;
        if (i < e->nin)
            pt_pack(data[i], at[i], s[0], s[1], r, c, size, 0);
    }
    if (flat)
        loop(data, r * c, e->program);
    else {
        char *row[l->n];
        for (int64_t k = 0; k < r; k++) {
            for (int i = 0; i < l->n; i++)
                row[i] = data[i] + k * step[i];
            loop(row, c, e->program);
        }
    }
    for (int i = e->nin; i < l->n; i++)
        if (data[i] != at[i]) {
            const int64_t *s = l->strides + i * PT_MAX_NDIM + l->ndim - 2;
            pt_pack(data[i], at[i], s[0], s[1], r, c, e->itemsize[i], 1);
        }
}

/* All tiles of the last two axes. */
static void pt_plane(
        pt_loop *loop, const pt_layout *l, const pt_elemwise *e, char *const *at, int64_t rows, int64_t cols)
{
    char *corner[l->n];
    const int64_t n0 = l->shape[l->ndim - 2], n1 = l->shape[l->ndim - 1];
    for (int64_t i = 0; i < n0; i += rows)
        for (int64_t j = 0; j < n1; j += cols) {
            for (int k = 0; k < l->n; k++) {
                const int64_t *s = l->strides + k * PT_MAX_NDIM + l->ndim - 2;
                corner[k] = at[k] + i * s[0] + j * s[1];
            }
            pt_tile(loop, l, e, corner, n0 - i < rows ? n0 - i : rows, n1 - j < cols ? n1 - j : cols);
        }
}

/* Axes from the slowest to the fastest in memory, as NumPy's order "K": an axis comes before another if it
   does in every input in which they differ; C order decides ties and quarrels. True if it is not C order. */
static int pt_elemwise_order(
        const pt_elemwise *e, pt_array *const *args, const int64_t *shape, uint8_t *order)
{
    int moved = 0;
    for (int k = 0; k < e->ndim; k++) {
        int to = k;
        for (int j = k - 1; j >= 0; j--) {
            const int before = order[j];
            int known = 0, swap = 0;
            for (int i = 0; i < e->nin && shape[k] != 1 && shape[before] != 1; i++) {
                if ((e->repeats[i] >> k & 1) || (e->repeats[i] >> before & 1))
                    continue;
                const int64_t near = pt_far(args[i]->strides[k]), far = pt_far(args[i]->strides[before]);
                if (near == 0 || far == 0)
                    continue;
                swap = near > far && (swap || !known);
                known = 1;
            }
            if (known && !swap)
                break;
            if (known)
                to = j;
        }
        for (int j = k; j > to; j--)
            order[j] = order[j - 1];
        order[to] = (uint8_t)k;
        moved |= to != k;
    }
    return moved;
}

/* Any layout: planes of the last two axes of `order`, over the others in this order. */
static int pt_elemwise_strided(pt_ctx *ctx, const pt_elemwise *e, pt_array *const *args, pt_loop *loop,
        const int64_t *lengths, const uint8_t *order)
{
    const int n = e->nin + e->nout;
    int64_t shape[PT_MAX_NDIM + 1], strides[n * PT_MAX_NDIM], index[PT_MAX_NDIM] = {0}, rows, cols;
    uint8_t scalar[n];
    char *at[n];
    pt_layout l = {n, e->ndim, shape, strides, scalar, NULL, 0};
    for (int k = 0; k < e->ndim; k++)
        shape[k] = lengths[order[k]];
    for (int i = 0; i < n; i++) {
        const uint64_t repeats = i < e->nin ? e->repeats[i] : 0;
        scalar[i] = i < e->nin && repeats == ((uint64_t)2 << (e->ndim - 1)) - 1;
        at[i] = args[i]->data;
        for (int k = 0; k < e->ndim; k++)
            strides[i * PT_MAX_NDIM + k] = repeats >> order[k] & 1 ? 0 : args[i]->strides[order[k]];
    }
    pt_collapse(&l, e->ndim);
    if (pt_tiles(&l, e->itemsize, &rows, &cols)) {
        l.room = (rows * cols * 16 + 63) & ~(int64_t)63;
        if (!(l.buffers = pt_scratch(ctx, n * l.room)))
            return pt_fail(ctx, PT_MEMORY, "[%s] no memory for %d tiles", e->name, n);
    }
    for (;;) {
        pt_plane(loop, &l, e, at, rows, cols);
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

/* Shape and memory of the outputs, with their axes in `order` if there is one. */
static int pt_elemwise_outputs(
        pt_ctx *ctx, const pt_elemwise *e, pt_array *const *args, const int64_t *shape, const uint8_t *order)
{
    for (int j = 0; j < e->nout; j++) {
        pt_array *z = args[e->nin + j];
        if (e->destroys && e->destroys[j] >= 0) {
            pt_view(z, args[e->destroys[j]], e->ndim);
            continue;
        }
        for (int k = 0; k < e->ndim; k++)
            z->shape[k] = shape[k];
        const int32_t itemsize = e->itemsize[e->nin + j];
        const int status = order ? service_alloc_ordered(ctx, z, e->ndim, itemsize, order)
                                 : pt_alloc(ctx, z, e->ndim, itemsize);
        if (PT_UNLIKELY(status))
            return status;
    }
    return PT_OK;
}

/* True if one loop over all elements in C order meets those of this operand one after the other. */
static inline int pt_elemwise_flat(
        const pt_elemwise *e, const pt_array *x, const int64_t *shape, uint64_t repeats, int64_t stride)
{
    for (int k = e->ndim - 1; k >= 0; k--) {
        /* An axis of length 1 goes anywhere; a repeated one must have that length. */
        if (shape[k] == 1)
            continue;
        if ((repeats >> k & 1) || x->strides[k] != stride)
            return 0;
        stride *= shape[k];
    }
    return 1;
}

/* What is not flat: outputs lie as the inputs do. */
PT_COLD static int pt_elemwise_ordered(pt_ctx *ctx, const pt_elemwise *e, pt_array *const *args,
        pt_loop *loop, const int64_t *shape, int64_t size)
{
    uint8_t order[PT_MAX_NDIM];
    const int moved = pt_elemwise_order(e, args, shape, order);
    const int status = pt_elemwise_outputs(ctx, e, args, shape, moved ? order : NULL);
    if (PT_UNLIKELY(status))
        return status;
    pt_heavy(ctx, (double)size * e->cost);
    return pt_elemwise_strided(ctx, e, args, loop, shape, order);
}

/* The whole work of an elementwise node; args are the inputs, then the outputs. */
static int pt_elemwise_run(pt_ctx *ctx, const pt_elemwise *e, pt_array *const *args, pt_loop *loop)
{
    int64_t shape[PT_MAX_NDIM], size = 1;
    int status = pt_elemwise_shape(ctx, e, args, shape);
    if (PT_UNLIKELY(status))
        return status;
    for (int k = 0; k < e->ndim; k++)
        size *= shape[k];
    if (PT_UNLIKELY(size == 0))
        return pt_elemwise_outputs(ctx, e, args, shape, NULL);
    const uint64_t all = ((uint64_t)2 << (e->ndim - 1)) - 1;
    int flat = 1;
    for (int i = 0; i < e->nin && flat; i++)
        flat = e->repeats[i] == all || pt_elemwise_flat(e, args[i], shape, e->repeats[i], e->itemsize[i]);
    if (flat) {
        if (PT_UNLIKELY((status = pt_elemwise_outputs(ctx, e, args, shape, NULL))))
            return status;
        pt_heavy(ctx, (double)size * e->cost);
        char *data[e->nin + e->nout];
        for (int i = 0; i < e->nin + e->nout; i++)
            data[i] = args[i]->data;
        loop(data, size, e->program);
        return PT_OK;
    }
    return pt_elemwise_ordered(ctx, e, args, loop, shape, size);
}

#endif
