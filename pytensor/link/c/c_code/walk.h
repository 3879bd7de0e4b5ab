/* The broadcast batch in front of core arrays: its shape, and walking over its items. */
#ifndef PT_WALK_H
#define PT_WALK_H

#include "pytensor.h"

/* One array on the walk: its axes of the batch and where its next item begins. */
typedef struct {
    const pt_array *x;
    uint64_t ones; /* a bit for each axis of the batch that its type knows to have length 1 */
    char *at;
} pt_walker;

/* Fill in the shape of the batch of all inputs. A length of 1 that no type announced is refused: the gradient
   would not know of it. */
static PT_UNUSED int pt_batch_shape(
        pt_ctx *ctx, const char *op, int batch, int n, const pt_walker *w, int64_t *shape)
{
    for (int d = 0; d < batch; d++) {
        int64_t length = 1;
        int hidden = 0;
        for (int i = 0; i < n; i++) {
            const int64_t own = w[i].x->shape[d];
            if (own == 1 && !(w[i].ones >> d & 1))
                hidden = 1;
            if (own == 1 || own == length)
                continue;
            if (length != 1)
                return pt_fail(ctx, PT_VALUE_ERROR,
                        "[%s] batch dimensions must broadcast, got lengths %lld and %lld on axis %d", op,
                        (long long)length, (long long)own, d);
            length = own;
        }
        if (hidden && length != 1)
            return pt_fail(ctx, PT_VALUE_ERROR,
                    "Runtime broadcasting not allowed. At least one input has a distinct batch dimension "
                    "length of 1, but was not marked as broadcastable.\nIf broadcasting was intended, use "
                    "`specify_broadcastable` on the relevant input.");
        shape[d] = length;
    }
    return PT_OK;
}

static inline void pt_batch_begin(pt_walker *w, int n)
{
    for (int i = 0; i < n; i++)
        w[i].at = w[i].x->data;
}

/* Go on to the next item in C order; axes of length 1 are repeated. `index` begins with zeros. */
static inline void pt_batch_next(pt_walker *w, int n, int batch, const int64_t *shape, int64_t *index)
{
    for (int d = batch - 1; d >= 0; d--) {
        const int64_t back = ++index[d] < shape[d] ? 0 : shape[d];
        for (int i = 0; i < n; i++)
            if (w[i].x->shape[d] != 1)
                w[i].at += (back ? 1 - back : 1) * w[i].x->strides[d];
        if (!back)
            return;
        index[d] = 0;
    }
}

#endif
