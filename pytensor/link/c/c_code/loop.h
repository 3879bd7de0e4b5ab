/* A loop around a block of steps. What it reads and writes is data: dispatch/scan_loop.py writes it. */
#ifndef PT_LOOP_H
#define PT_LOOP_H

#include "scan.h"
#include "views.h"

enum { PT_LOOP_DESTROY = 1, PT_LOOP_NEW = 2 };

/* The head of the data. After it come, in this order: the sequences' number of steps is input 0; records of
   the states, reads, writes, constants and untraced states; what was observed; the name of the Op. Arrays are
   numbers of arguments. */
typedef struct {
    int64_t size, block, n_sequences, n_states, n_reads, n_writes, n_shared, n_untraced;
    int64_t condition, condition_size, condition_float; /* argument, or -1 */
    int64_t cost;                                       /* of a step */
    int64_t lost;       /* nanoseconds by which a step would be faster if it was written for its shapes */
    int64_t n_observed; /* 0: nobody asks; else 1 and the number of lengths */
} pt_loop_head;

/* A state: its input and output, axes, itemsize, lag (-1: none), first rows to copy (-1: all), flags. */
typedef struct {
    int64_t source, z, ndim, itemsize, lag, flags;
} pt_loop_state;
/* Inner argument e is element `step + offset` of a stack: a sequence (offset -1) or an output. */
typedef struct {
    int64_t e, stack, offset, ndim;
} pt_loop_read;
/* Inner result e goes to element `step + offset` of output z; `length` is the input with the length of a new
 * one. */
typedef struct {
    int64_t e, z, offset, ndim, itemsize, flags, length, number, cut;
    int64_t shape[8]; /* static lengths of e, 0 where unknown */
} pt_loop_write;
/* Inner argument e is input x. */
typedef struct {
    int64_t e, x, ndim;
} pt_loop_shared;
/* A state without a stack: inner argument, inner result, outer input and output. */
typedef struct {
    int64_t e, result, x, z, ndim, itemsize;
} pt_loop_untraced;

typedef struct {
    const pt_loop_head *head;
    const pt_loop_state *states;
    const pt_loop_read *reads;
    const pt_loop_write *writes;
    const pt_loop_shared *shared;
    const pt_loop_untraced *untraced;
    int64_t *observed;
    const char *name;
    int64_t *read_at, *write_at;
    int64_t n, done;
    pt_kernel *kernel; /* the one that runs, if a better one may take over */
} pt_loop_run;

/* Between so many steps. */
#define PT_LOOP_LOOK 1024

static void pt_loop_open(pt_loop_run *r, const void *program)
{
    const pt_loop_head *h = program;
    r->head = h;
    r->kernel = NULL;
    r->states = (const pt_loop_state *)(h + 1);
    r->reads = (const pt_loop_read *)(r->states + h->n_states);
    r->writes = (const pt_loop_write *)(r->reads + h->n_reads);
    r->shared = (const pt_loop_shared *)(r->writes + h->n_writes);
    r->untraced = (const pt_loop_untraced *)(r->shared + h->n_shared);
    /* The only part that is written to: `program` is the program's own copy. */
    r->observed = (int64_t *)(uintptr_t)(r->untraced + h->n_untraced);
    r->name = (const char *)(r->observed + h->n_observed);
}

/* Note the shapes of the first call, for whoever writes the loop out for them: after a 2 the lengths of
   elements of sequences and states, then of untraced states and constants. */
static void pt_loop_observe(pt_array *const *args, const pt_loop_run *r)
{
    const pt_loop_head *h = r->head;
    int64_t *to = r->observed + 1, nobody = 0;
    if (!__atomic_compare_exchange_n(r->observed, &nobody, 1, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
        return;
    for (int64_t i = 0; i < h->n_sequences; i++)
        for (int64_t k = 0; k < r->reads[i].ndim; k++)
            *to++ = args[r->reads[i].stack]->shape[k + 1];
    for (int64_t i = 0; i < h->n_states; i++)
        for (int64_t k = 1; k < r->states[i].ndim; k++)
            *to++ = args[r->states[i].source]->shape[k];
    for (int64_t i = 0; i < h->n_untraced; i++)
        for (int64_t k = 0; k < r->untraced[i].ndim; k++)
            *to++ = args[r->untraced[i].x]->shape[k];
    for (int64_t i = 0; i < h->n_shared; i++)
        for (int64_t k = 0; k < r->shared[i].ndim; k++)
            *to++ = args[r->shared[i].x]->shape[k];
    __atomic_store_n(r->observed, 2, __ATOMIC_RELEASE);
}

/* Everything must be long enough before anything is read. */
static int pt_loop_check(pt_ctx *ctx, pt_array *const *args, const pt_loop_run *r)
{
    if (r->n < 0)
        return pt_fail(
                ctx, PT_VALUE_ERROR, "[%s] n_steps must not be negative, got %lld", r->name, (long long)r->n);
    for (int64_t i = 0; i < r->head->n_sequences; i++)
        if (args[1 + i]->shape[0] < r->n)
            return pt_fail(ctx, PT_VALUE_ERROR,
                    "[%s] sequence %d must have at least n_steps = %lld elements, got %lld", r->name, (int)i,
                    (long long)r->n, (long long)args[1 + i]->shape[0]);
    int number = 0;
    for (int64_t i = 0; i < r->head->n_states; i++) {
        const pt_loop_state *s = &r->states[i];
        if (s->lag < 0)
            continue;
        if (args[s->source]->shape[0] < s->lag)
            return pt_fail(ctx, PT_VALUE_ERROR,
                    "[%s] the buffer of state %d must hold %d initial values, got %lld", r->name, number,
                    (int)s->lag, (long long)args[s->source]->shape[0]);
        number++;
    }
    return PT_OK;
}

static inline int64_t pt_loop_place(int64_t offset, const pt_array *x)
{
    return x->shape[0] > 0 ? offset % x->shape[0] : 0;
}

/* Take over the buffers of states, or copy their initial values; give inner inputs what does not change. */
static int pt_loop_begin(pt_ctx *ctx, pt_array *const *args, pt_loop_run *r)
{
    int status;
    for (int64_t i = 0; i < r->head->n_states; i++) {
        const pt_loop_state *s = &r->states[i];
        const pt_array *x = args[s->source];
        pt_array *z = args[s->z];
        if (s->flags & PT_LOOP_DESTROY) {
            pt_view(z, x, (int)s->ndim);
            continue;
        }
        pt_same_shape(z, x, (int)s->ndim);
        if ((status = pt_alloc(ctx, z, (int)s->ndim, s->itemsize)))
            return status;
        pt_scan_begin(z, x, s->lag < 0 ? x->shape[0] : s->lag, (int)s->ndim, s->itemsize);
    }
    for (int64_t i = 0; i < r->head->n_reads; i++) {
        const pt_loop_read *e = &r->reads[i];
        pt_scan_element(args[e->e], args[e->stack], (int)e->ndim);
        r->read_at[i] = e->offset < 0 ? -1 : pt_loop_place(e->offset, args[e->stack]);
    }
    for (int64_t i = 0; i < r->head->n_writes; i++) {
        const pt_loop_write *w = &r->writes[i];
        r->write_at[i] = w->offset ? pt_loop_place(w->offset, args[w->z]) : 0;
    }
    for (int64_t i = 0; i < r->head->n_shared; i++)
        pt_view(args[r->shared[i].e], args[r->shared[i].x], (int)r->shared[i].ndim);
    for (int64_t i = 0; i < r->head->n_untraced; i++) {
        /* Kept in the output from the start. */
        const pt_loop_untraced *u = &r->untraced[i];
        const pt_array *x = args[u->x];
        pt_array *z = args[u->z];
        pt_same_shape(z, x, (int)u->ndim);
        if ((status = pt_alloc(ctx, z, (int)u->ndim, u->itemsize)))
            return status;
        pt_copy(z->data, z->strides, x->data, x->strides, z->shape, (int)u->ndim, u->itemsize);
        pt_view(args[u->e], z, (int)u->ndim);
    }
    return PT_OK;
}

/* Allocate the outputs whose shape the first step tells, or nothing (then e is NULL). */
static int pt_loop_new_stack(pt_ctx *ctx, pt_array *const *args, const pt_loop_write *w, const pt_array *e)
{
    pt_array *z = args[w->z];
    z->shape[0] = e ? *(const int64_t *)args[w->length]->data : 0;
    for (int64_t k = 0; k < w->ndim; k++)
        z->shape[k + 1] = e ? e->shape[k] : k < 8 ? w->shape[k] : 0;
    return pt_alloc(ctx, z, (int)w->ndim + 1, w->itemsize);
}

static int pt_loop_store(pt_ctx *ctx, pt_array *const *args, pt_loop_run *r)
{
    int status;
    for (int64_t i = 0; i < r->head->n_writes; i++) {
        const pt_loop_write *w = &r->writes[i];
        const pt_array *e = args[w->e];
        pt_array *z = args[w->z];
        if (r->done == 0 && w->flags & PT_LOOP_NEW && (status = pt_loop_new_stack(ctx, args, w, e)))
            return status;
        if (PT_UNLIKELY(!pt_scan_fits(z, e, (int)w->ndim)))
            return pt_fail(ctx, PT_VALUE_ERROR,
                    "[%s] output %d of the step must keep the shape of its state, it changed at step %lld",
                    r->name, (int)w->number, (long long)r->done);
    }
    for (int64_t i = 0; i < r->head->n_writes; i++) {
        const pt_loop_write *w = &r->writes[i];
        pt_scan_store(args[w->z], r->write_at[i], args[w->e], (int)w->ndim, w->itemsize);
        r->write_at[i] = pt_scan_next(r->write_at[i], args[w->z]->shape[0]);
    }
    for (int64_t i = 0; i < r->head->n_untraced; i++) {
        const pt_loop_untraced *u = &r->untraced[i];
        const pt_array *e = args[u->result];
        pt_array *z = args[u->z];
        for (int64_t k = 0; k < u->ndim; k++)
            if (z->shape[k] != e->shape[k])
                return pt_fail(
                        ctx, PT_VALUE_ERROR, "[%s] untraced state %d must keep its shape", r->name, (int)i);
        if (z->data != e->data)
            pt_copy(z->data, z->strides, e->data, e->strides, z->shape, (int)u->ndim, u->itemsize);
    }
    return PT_OK;
}

static int pt_loop_is_over(pt_array *const *args, const pt_loop_head *h)
{
    if (h->condition < 0)
        return 0;
    const char *at = args[h->condition]->data;
    if (h->condition_float)
        return h->condition_size == 4 ? *(const float *)at != 0 : *(const double *)at != 0;
    int yes = 0;
    for (int64_t k = 0; k < h->condition_size; k++)
        yes |= at[k] != 0;
    return yes;
}

/* Put circular buffers in order, cut what a while loop did not reach. */
static int pt_loop_close(pt_ctx *ctx, pt_array *const *args, pt_loop_run *r)
{
    int status = PT_OK;
    for (int64_t i = 0; i < r->head->n_writes && status == PT_OK; i++) {
        const pt_loop_write *w = &r->writes[i];
        pt_array *z = args[w->z];
        const int64_t rows = r->done + w->offset;
        if (w->cut < 0)
            continue;
        if (w->flags & PT_LOOP_NEW && r->n == 0 && (status = pt_loop_new_stack(ctx, args, w, NULL)))
            return status;
        if (rows > z->shape[0])
            status = pt_scan_rotate(ctx, z, r->write_at[i], (int)w->ndim + 1, w->itemsize);
        else if (w->cut && w->flags & PT_LOOP_DESTROY)
            z->shape[0] = rows;
        else if (w->cut)
            status = pt_scan_cut(ctx, z, rows, (int)w->ndim + 1, w->itemsize);
    }
    return status;
}

/* All steps from number `done` on, and the end. */
static int pt_loop_go_on(pt_ctx *ctx, pt_array *const *args, pt_loop_run *r)
{
    const pt_loop_head *h = r->head;
    int64_t *at = r->read_at;
    int status;
    while (r->done < r->n) {
        for (int64_t i = 0; i < h->n_reads; i++) {
            const pt_loop_read *e = &r->reads[i];
            args[e->e]->data = pt_scan_at(args[e->stack], at[i] < 0 ? r->done : at[i]);
        }
        pt_heavy(ctx, (double)h->cost);
        ctx->interpreted += (double)h->lost;
        if ((status = pt_run(ctx, h->block))) {
            if (ctx->iteration < 0)
                ctx->iteration = r->done;
            return status;
        }
        if ((status = pt_loop_store(ctx, args, r)))
            return status;
        for (int64_t i = 0; i < h->n_reads; i++)
            if (at[i] >= 0)
                at[i] = pt_scan_next(at[i], args[r->reads[i].stack]->shape[0]);
        r->done++;
        if (pt_loop_is_over(args, h))
            break;
        if (PT_UNLIKELY(r->done % PT_LOOP_LOOK == 0) && r->kernel && r->done < r->n) {
            /* What was compiled meanwhile finds everything where it would have put it itself. */
            pt_kernel *better = ctx->svc->kernel(ctx);
            if (better != r->kernel) {
                ctx->resume = r->done;
                return better(ctx, args, h);
            }
        }
    }
    return pt_loop_close(ctx, args, r);
}

/* Find the places of reading and writing after `done` steps. */
static PT_UNUSED void pt_loop_seek(pt_array *const *args, pt_loop_run *r, int64_t done)
{
    r->done = done;
    for (int64_t i = 0; i < r->head->n_reads; i++) {
        const pt_loop_read *e = &r->reads[i];
        r->read_at[i] = e->offset < 0 ? -1 : pt_loop_place(e->offset + done, args[e->stack]);
    }
    for (int64_t i = 0; i < r->head->n_writes; i++) {
        const pt_loop_write *w = &r->writes[i];
        r->write_at[i] = pt_loop_place(w->offset + done, args[w->z]);
    }
}

/* Go on where somebody else ended after `done` steps, whose results are where they belong. */
static PT_UNUSED int pt_loop_resume(pt_ctx *ctx, pt_array *const *args, pt_loop_run *r, int64_t done)
{
    pt_loop_seek(args, r, done);
    return pt_loop_go_on(ctx, args, r);
}

/* All of it. `kernel`: where a better one for this step is looked for, the one that runs. */
static int pt_loop_whole(pt_ctx *ctx, pt_array *const *args, const void *program, pt_kernel *kernel)
{
    pt_loop_run r;
    pt_loop_open(&r, program);
    r.kernel = kernel;
    int64_t at[r.head->n_reads + r.head->n_writes + 1];
    r.read_at = at;
    r.write_at = at + r.head->n_reads;
    r.n = *(const int64_t *)args[0]->data;
    r.done = 0;
    int status = pt_loop_check(ctx, args, &r);
    if (status || (status = pt_loop_begin(ctx, args, &r)))
        return status;
    if (r.head->n_observed)
        pt_loop_observe(args, &r);
    return pt_loop_go_on(ctx, args, &r);
}

PT_KERNEL(pt_scan_loop)
{
    return pt_loop_whole(ctx, args, program, ctx->svc->kernel(ctx));
}

#endif
