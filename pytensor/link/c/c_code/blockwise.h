/* The kernel of a Blockwise: the core Op is a block of the program, run once for each item of the batch on
   views of the inputs. Its parameters are written in dispatch/blockwise.py. */
#ifndef PT_BLOCKWISE_H
#define PT_BLOCKWISE_H

#include "walk.h"
#include "copy.h"
#include "parameters.h"
#include "views.h"

typedef struct {
    int64_t n_in, n_out, batch;
    const int64_t *input, *output; /* records of 4 and of PT_BLOCKWISE_OUTPUT words */
    const char *name;
    pt_array *const *x, *const *z, *const *core_x, *const *core_z;
} pt_blockwise_how;

enum { PT_BLOCKWISE_INPUT = 4, PT_BLOCKWISE_AXES = 8, PT_BLOCKWISE_OUTPUT = 3 + PT_BLOCKWISE_AXES };

/* z gets memory for the whole batch, now that the shape of its items is known. */
static int pt_blockwise_alloc(pt_ctx *ctx, const pt_blockwise_how *how, int64_t i, const int64_t *shape)
{
    const int64_t *const record = how->output + i * PT_BLOCKWISE_OUTPUT;
    pt_array *const z = how->z[i];
    const int core = (int)record[0], batch = (int)how->batch;
    if (record[2] >= 0) {
        pt_view(z, how->x[record[2]], batch + core);
        return PT_OK;
    }
    for (int d = 0; d < batch; d++)
        z->shape[d] = shape[d];
    for (int d = 0; d < core; d++)
        z->shape[batch + d] = how->core_z[i]->shape[d];
    return pt_alloc(ctx, z, batch + core, record[1]);
}

/* Write the core results to their places in the batch. */
static int pt_blockwise_store(pt_ctx *ctx, const pt_blockwise_how *how, int64_t i, char *at)
{
    const int64_t *const record = how->output + i * PT_BLOCKWISE_OUTPUT;
    const pt_array *const z = how->z[i], *const core = how->core_z[i];
    const int ndim = (int)record[0];
    for (int d = 0; d < ndim; d++)
        if (PT_UNLIKELY(core->shape[d] != z->shape[how->batch + d]))
            return pt_fail(ctx, PT_VALUE_ERROR,
                    "[%s] output %d must have the same core shape all over the batch, got lengths %lld and "
                    "%lld on axis %d",
                    how->name, (int)i, (long long)z->shape[how->batch + d], (long long)core->shape[d], d);
    if (at == core->data)
        return PT_OK;
    if (ndim == 0)
        memcpy(at, core->data, (size_t)record[1]);
    else
        pt_copy(at, z->strides + how->batch, core->data, core->strides, core->shape, ndim, record[1]);
    return PT_OK;
}

/* The core of an empty batch: lengths that are those of an input are known, others are found on ones. */
static int pt_blockwise_empty(pt_ctx *ctx, const pt_blockwise_how *how, int64_t block)
{
    int known = 1;
    for (int64_t i = 0; i < how->n_out; i++) {
        const int64_t *const record = how->output + i * PT_BLOCKWISE_OUTPUT;
        for (int64_t d = 0; d < record[0]; d++) {
            const int64_t from = record[3 + d];
            known &= from >= 0;
            if (from >= 0)
                how->core_z[i]->shape[d] = how->core_x[from / 64]->shape[from % 64];
        }
    }
    if (known)
        return PT_OK;
    for (int64_t i = 0; i < how->n_in; i++) {
        const int64_t *const record = how->input + i * PT_BLOCKWISE_INPUT;
        pt_array *const core = how->core_x[i];
        char *const one = pt_scratch(ctx, 16);
        if (!one)
            return pt_fail(ctx, PT_MEMORY, "[%s] no memory", how->name);
        pt_write_one(one, record[3]);
        core->data = one;
        for (int64_t d = 0; d < record[0]; d++)
            core->strides[d] = 0;
    }
    return pt_run(ctx, block);
}

static int pt_blockwise_items(
        pt_ctx *ctx, const pt_blockwise_how *how, int64_t block, pt_walker *w, const int64_t *shape)
{
    const int64_t n_in = how->n_in, n_out = how->n_out;
    const int batch = (int)how->batch;
    int64_t index[65] = {0}, items = 1;
    int status = PT_OK;
    for (int d = 0; d < batch; d++)
        items *= shape[d];
    pt_batch_begin(w, (int)n_in);
    if (items == 0)
        status = pt_blockwise_empty(ctx, how, block);
    for (int64_t k = 0; k < items || k == 0; k++) {
        for (int64_t i = 0; i < n_in && items; i++)
            how->core_x[i]->data = w[i].at;
        if (items && status == PT_OK)
            status = pt_run(ctx, block);
        for (int64_t i = 0; i < n_out && k == 0 && status == PT_OK; i++) {
            status = pt_blockwise_alloc(ctx, how, i, shape);
            w[n_in + i].at = how->z[i]->data;
        }
        for (int64_t i = 0; i < n_out && items && status == PT_OK; i++)
            status = pt_blockwise_store(ctx, how, i, w[n_in + i].at);
        if (status)
            return status;
        if (items)
            pt_batch_next(w, (int)(n_in + n_out), batch, shape, index);
    }
    return PT_OK;
}

/* inputs, outputs, axes of the batch; for each input: axes of the core, itemsize, bits of the axes that have
   length 1 by type, dtype; for each output: axes of the core, itemsize, the input it overwrites or -1, where
   each length comes from (64 x input + axis, or -1); the name of the core Op */
PT_KERNEL(pt_blockwise)
{
    const int64_t block = ((const int64_t *)program)[1], *const p = (const int64_t *)program + 2;
    pt_blockwise_how how = {p[0], p[1], p[2], p + 3, NULL, NULL, args, NULL, NULL, NULL};
    how.output = how.input + how.n_in * PT_BLOCKWISE_INPUT;
    how.name = (const char *)(how.output + how.n_out * PT_BLOCKWISE_OUTPUT);
    how.z = args + how.n_in;
    how.core_x = how.z + how.n_out;
    how.core_z = how.core_x + how.n_in;
    int64_t shape[65];
    pt_walker *const w = pt_scratch(ctx, (how.n_in + how.n_out) * (int64_t)sizeof *w);
    if (!w)
        return pt_fail(ctx, PT_MEMORY, "[%s] no memory", how.name);
    for (int64_t i = 0; i < how.n_in; i++) {
        const int64_t *const record = how.input + i * PT_BLOCKWISE_INPUT;
        w[i] = (pt_walker){how.x[i], (uint64_t)record[2], NULL};
        for (int64_t d = 0; d < record[0]; d++) {
            how.core_x[i]->shape[d] = how.x[i]->shape[how.batch + d];
            how.core_x[i]->strides[d] = how.x[i]->strides[how.batch + d];
        }
    }
    for (int64_t i = 0; i < how.n_out; i++)
        w[how.n_in + i] = (pt_walker){how.z[i], 0, NULL};
    const int status = pt_batch_shape(ctx, how.name, (int)how.batch, (int)how.n_in, w, shape);
    return status ? status : pt_blockwise_items(ctx, &how, block, w, shape);
}

#endif
