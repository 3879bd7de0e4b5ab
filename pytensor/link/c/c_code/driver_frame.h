/* The memory of one call: slots, buffers that outlive the call, scratch, errors, the GIL.
   Part of driver.c, which includes Python.h and the NumPy API before this file. */
#ifndef PYTENSOR_DRIVER_FRAME_H
#define PYTENSOR_DRIVER_FRAME_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "driver_memory.h"
#include "driver_profile.h"
#include "pytensor.h"

#define ALIGNMENT 64
/* Work after which pending signals are looked at: about 30 ms. */
#define SIGNAL_WORK 3e7

enum memory_class { MEMORY_NONE, MEMORY_BUFFER, MEMORY_NUMPY };
enum slot_flags {
    SLOT_DESTROYED = 1, /* an input that the program overwrites */
    SLOT_SCALAR = 2,    /* Python sees a NumPy scalar, not an array */
    SLOT_LOAN = 4       /* memory lent by the kernel around an inner block: Python gets a copy */
};
enum step_kind { STEP_KERNEL, STEP_PYTHON, STEP_LAZY_PYTHON, STEP_SKIP };

/* What is known about a value when the program is built; the order of fields is that of memory.py. */
typedef struct {
    int32_t memory;
    int32_t type_num; /* NumPy's number of the dtype; -1: any Python object */
    int32_t ndim;
    int32_t itemsize;
    int32_t parent; /* slot whose memory it views, or itself */
    int32_t buffer; /* index of the frame buffer, or -1 */
    int32_t reuse;  /* dying slot whose buffer may be taken over, or -1 */
    int32_t flags;
} slot_info;

typedef struct {
    pt_kernel *kernel; /* may be exchanged for a better one while calls run: step_kernel() reads it */
    const void *data;  /* of the kernel it began with; others ignore it */
    int32_t kind;
    int32_t index; /* of the Python call; for STEP_SKIP the step to go on with */
    int32_t args;  /* first of its entries in the table of arguments */
    int32_t n_in;
    int32_t n_out; /* for STEP_SKIP: the branch (0 true, 1 false) that runs the steps in between */
} step_info;

typedef struct {
    int32_t start;
    int32_t stop;
} block_info;

typedef struct {
    void *raw;
    char *data;
    int64_t capacity;
} buffer;

typedef struct frame frame;

typedef struct {
    PyObject_HEAD vectorcallfunc vectorcall;
    PyObject *weakrefs;
    pt_services services;
    Py_ssize_t n_slots, n_steps, n_args, n_blocks, n_inputs, n_outputs, n_constants, n_buffers, n_held;
    slot_info *slots;
    step_info *steps;
    block_info *blocks;
    int32_t *args;
    int32_t *outputs;
    int32_t *held;         /* slots that own an object during a call */
    int64_t *static_shape; /* of the inputs, one after the other; -1: unknown */
    int32_t *constants;    /* their slots */
    PyObject *constant_values;
    PyObject *filters; /* one per input: callable or None */
    PyObject *calls;
    PyObject *handler; /* handler(step, exception, inputs) raises something more helpful */
    PyObject *library;
    char *data; /* of kernels that serve many nodes; 64-byte aligned, writable */
    void *data_raw;
    PyObject *hot; /* called once when interpreting has cost more than `limit`, or NULL */
    double spent;  /* nanoseconds native code would have saved in all calls so far */
    double limit;
    int64_t n_calls;   /* that interpreted something */
    PyObject *tables;  /* bytes objects with the addresses of BLAS and LAPACK */
    profile *measured; /* NULL: nothing is */
    int64_t n_dims;
    int destroys;
    int collect; /* large buffers go back after each call */
    frame *pool;
#ifdef Py_GIL_DISABLED
    PyMutex mutex;
#endif
} program;

struct frame {
    pt_ctx ctx;
    frame *next;
    program *prog;
    PyThreadState *thread;
    pt_array *slot;
    PyObject **object;
    int64_t *dims;
    pt_array **args;
    buffer *buffers;
    buffer scratch;
    void **old_scratch; /* blocks that became too small while a kernel still uses them */
    int64_t scratch_used;
    int n_old_scratch;
    int64_t held_bytes;
    double *times; /* STEP_TIMES per step, when measured */
    double began, clock;
    int32_t step;
    int error;
    char message[1024];
};

/* On x86 a plain load; elsewhere whoever sees a new kernel also sees what its library was loaded with. */
static inline pt_kernel *step_kernel(const step_info *step)
{
#if defined(__GNUC__)
    return __atomic_load_n(&step->kernel, __ATOMIC_ACQUIRE);
#else
    return step->kernel;
#endif
}

static inline void step_exchange(step_info *step, pt_kernel *kernel)
{
#if defined(__GNUC__)
    __atomic_store_n(&step->kernel, kernel, __ATOMIC_RELEASE);
#else
    step->kernel = kernel;
#endif
}

static inline void hold_gil(frame *f)
{
    if (f->ctx.gil_released) {
        PyEval_RestoreThread(f->thread);
        f->ctx.gil_released = 0;
    }
}

static void service_hold_gil(pt_ctx *ctx)
{
    hold_gil((frame *)ctx);
}

static void service_release_gil(pt_ctx *ctx)
{
    frame *f = (frame *)ctx;
    if (!ctx->gil_released) {
        f->thread = PyEval_SaveThread();
        ctx->gil_released = 1;
    }
}

static int service_fail(pt_ctx *ctx, int kind, const char *format, ...)
{
    frame *f = (frame *)ctx;
    va_list values;
    va_start(values, format);
    vsnprintf(f->message, sizeof f->message, format, values);
    va_end(values);
    f->error = kind;
    return kind;
}

static void buffer_release(frame *f, buffer *b)
{
    if (b->raw) {
        pool_give(b->raw, (size_t)b->capacity + ALIGNMENT);
        f->held_bytes -= b->capacity;
    }
    b->raw = NULL;
    b->capacity = 0;
}

/* Make room for some bytes; the old content is lost. Returns 0 on success. */
static int buffer_reserve(frame *f, buffer *b, int64_t bytes)
{
    if (b->capacity >= bytes && b->raw)
        return 0;
    buffer_release(f, b);
    if (bytes > INT64_MAX / 2)
        return -1;
    b->raw = pool_take((size_t)bytes + ALIGNMENT);
    if (!b->raw)
        return -1;
    b->data = (char *)(((uintptr_t)b->raw + ALIGNMENT - 1) & ~(uintptr_t)(ALIGNMENT - 1));
    b->capacity = bytes;
    f->held_bytes += bytes;
    return 0;
}

static void *service_scratch(pt_ctx *ctx, int64_t bytes)
{
    frame *f = (frame *)ctx;
    if (bytes < 0 || bytes > INT64_MAX - ALIGNMENT)
        return NULL;
    /* Not nothing: NULL says that there is no memory. */
    bytes = bytes ? (bytes + ALIGNMENT - 1) & ~(int64_t)(ALIGNMENT - 1) : ALIGNMENT;
    if (f->scratch_used + bytes > f->scratch.capacity) {
        if (f->scratch_used > 0) {
            /* Somebody holds pointers into the old block: keep it until the kernel returns. */
            void **more = realloc(f->old_scratch, sizeof(void *) * (size_t)(f->n_old_scratch + 1));
            if (!more)
                return NULL;
            f->old_scratch = more;
            more[f->n_old_scratch++] = f->scratch.raw;
            f->held_bytes -= f->scratch.capacity;
            f->scratch.raw = NULL;
        }
        int64_t wanted = 2 * f->scratch.capacity > bytes ? 2 * f->scratch.capacity : bytes;
        f->scratch_used = 0;
        if (buffer_reserve(f, &f->scratch, wanted < 4096 ? 4096 : wanted))
            return NULL;
    }
    void *at = f->scratch.data + f->scratch_used;
    f->scratch_used += bytes;
    return at;
}

static void scratch_reset(frame *f)
{
    f->scratch_used = 0;
    while (f->n_old_scratch > 0)
        free(f->old_scratch[--f->n_old_scratch]);
}

/* Bytes of an array without gaps and its strides; -1 when the size does not fit. `order` lists the axes, the
   slowest first; NULL is C order. */
static inline int64_t contiguous_strides(pt_array *z, int ndim, int64_t itemsize, const uint8_t *order)
{
    int64_t bytes = itemsize;
    int empty = 0;
    for (int k = ndim - 1; k >= 0; k--) {
        const int i = order ? order[k] : k;
        z->strides[i] = bytes;
        if (z->shape[i] < 0)
            return -1;
        if (z->shape[i] == 0)
            empty = 1;
        else if (__builtin_mul_overflow(bytes, z->shape[i], &bytes))
            return -1;
    }
    return empty ? 0 : bytes;
}

/* z takes over the buffer of a dying input of the same shape and strides; the two buffers change places. */
static int take_over(frame *f, pt_array *z, const slot_info *info, int ndim, int64_t itemsize)
{
    const slot_info *from = &f->prog->slots[info->reuse];
    pt_array *x = &f->slot[info->reuse];
    buffer *own = &f->buffers[info->buffer], *other = &f->buffers[from->buffer];
    if (from->ndim != ndim || x->data != other->data || from->itemsize != itemsize)
        return 0;
    for (int i = 0; i < ndim; i++)
        if (x->shape[i] != z->shape[i] || (x->strides[i] != z->strides[i] && x->shape[i] != 1))
            return 0;
    buffer kept = *own;
    *own = *other;
    *other = kept;
    z->data = x->data;
    return 1;
}

static PyObject *new_array(const slot_info *info, pt_array *z, int64_t bytes, int ordered);

static int alloc_numpy(frame *f, Py_ssize_t at, pt_array *z, int64_t bytes, int ordered)
{
    hold_gil(f);
    PyObject *array = new_array(&f->prog->slots[at], z, bytes, ordered);
    if (!array)
        return PT_PYTHON;
    Py_XSETREF(f->object[at], array);
    z->data = PyArray_BYTES((PyArrayObject *)array);
    return PT_OK;
}

/* Memory for z without gaps, its axes in `order` (NULL: C order). */
static inline int alloc_any(pt_ctx *ctx, pt_array *z, int ndim, int64_t itemsize, const uint8_t *order)
{
    frame *f = (frame *)ctx;
    Py_ssize_t at = z - f->slot;
    const slot_info *info = &f->prog->slots[at];
    if (PT_UNLIKELY(ndim != info->ndim || itemsize != info->itemsize))
        return pt_fail(ctx, PT_RUNTIME_ERROR,
                "[C backend] a kernel allocates %d axes of %d bytes, planned were %d of %d", ndim,
                (int)itemsize, (int)info->ndim, (int)info->itemsize);
    int64_t bytes = contiguous_strides(z, ndim, itemsize, order);
    if (PT_UNLIKELY(bytes < 0)) {
        for (int i = 0; i < ndim; i++)
            if (z->shape[i] < 0)
                return pt_fail(ctx, PT_VALUE_ERROR, "negative dimensions are not allowed");
        return pt_fail(ctx, PT_MEMORY, "an array of this shape does not fit in memory");
    }
    if (info->memory == MEMORY_NUMPY)
        return alloc_numpy(f, at, z, bytes, order != NULL);
    if (PT_UNLIKELY(info->memory != MEMORY_BUFFER))
        return pt_fail(ctx, PT_RUNTIME_ERROR, "[C backend] a kernel allocates an output declared as a view");
    if (info->reuse >= 0 && take_over(f, z, info, ndim, itemsize))
        return PT_OK;
    buffer *b = &f->buffers[info->buffer];
    if (PT_UNLIKELY(b->capacity < bytes || !b->raw)) {
        if (buffer_reserve(f, b, bytes < ALIGNMENT ? ALIGNMENT : bytes))
            return pt_fail(ctx, PT_MEMORY, "cannot allocate %lld bytes", (long long)bytes);
    }
    z->data = b->data;
    return PT_OK;
}

static int service_alloc(pt_ctx *ctx, pt_array *z, int ndim, int64_t itemsize)
{
    return alloc_any(ctx, z, ndim, itemsize, NULL);
}

/* Elementwise results lie as what they are computed from, as NumPy's do. */
static int service_alloc_ordered(pt_ctx *ctx, pt_array *z, int ndim, int64_t itemsize, const uint8_t *order)
{
    return alloc_any(ctx, z, ndim, itemsize, order);
}

/* Point the slots, arguments and constants of a new frame at their places. */
static void frame_connect(frame *f, program *p)
{
    int64_t *dims = f->dims;
    for (Py_ssize_t i = 0; i < p->n_slots; i++) {
        int ndim = p->slots[i].ndim;
        f->slot[i].shape = dims;
        f->slot[i].strides = dims + ndim;
        dims += 2 * ndim;
    }
    for (Py_ssize_t i = 0; i < p->n_args; i++)
        f->args[i] = &f->slot[p->args[i]];
    for (Py_ssize_t i = 0; i < p->n_constants; i++) {
        PyObject *value = PyTuple_GET_ITEM(p->constant_values, i);
        int32_t at = p->constants[i];
        f->object[at] = value; /* borrowed from the program */
        if (p->slots[at].type_num < 0)
            continue;
        PyArrayObject *array = (PyArrayObject *)value;
        f->slot[at].data = PyArray_BYTES(array);
        for (int k = 0; k < p->slots[at].ndim; k++) {
            f->slot[at].shape[k] = PyArray_DIM(array, k);
            f->slot[at].strides[k] = PyArray_STRIDE(array, k);
        }
    }
}

static frame *frame_new(program *p)
{
    size_t size = sizeof(frame) + (size_t)p->n_slots * (sizeof(pt_array) + sizeof(PyObject *)) +
                  (size_t)p->n_dims * sizeof(int64_t) + (size_t)p->n_args * sizeof(pt_array *) +
                  (size_t)p->n_buffers * sizeof(buffer);
    frame *f = calloc(1, size);
    if (!f) {
        PyErr_NoMemory();
        return NULL;
    }
    /* All parts consist of 8-byte words, so one block holds them aligned. */
    char *at = (char *)(f + 1);
    f->slot = (pt_array *)at;
    at += (size_t)p->n_slots * sizeof(pt_array);
    f->object = (PyObject **)at;
    at += (size_t)p->n_slots * sizeof(PyObject *);
    f->dims = (int64_t *)at;
    at += (size_t)p->n_dims * sizeof(int64_t);
    f->args = (pt_array **)at;
    at += (size_t)p->n_args * sizeof(pt_array *);
    f->buffers = (buffer *)at;
    f->ctx.svc = &p->services;
    f->prog = p;
    frame_connect(f, p);
    return f;
}

static void frame_free(frame *f)
{
    for (Py_ssize_t i = 0; i < f->prog->n_buffers; i++)
        buffer_release(f, &f->buffers[i]);
    scratch_reset(f);
    buffer_release(f, &f->scratch);
    free(f->old_scratch);
    free(f->times);
    free(f);
}

#ifdef Py_GIL_DISABLED
#define POOL_LOCK(p) PyMutex_Lock(&(p)->mutex)
#define POOL_UNLOCK(p) PyMutex_Unlock(&(p)->mutex)
#else
#define POOL_LOCK(p) ((void)0)
#define POOL_UNLOCK(p) ((void)0)
#endif

static inline frame *frame_take(program *p)
{
    POOL_LOCK(p);
    frame *f = p->pool;
    if (f)
        p->pool = f->next;
    POOL_UNLOCK(p);
    return f ? f : frame_new(p);
}

/* Give large buffers back; small ones are worth less than the time to get them again. */
static void frame_collect(frame *f)
{
    for (Py_ssize_t i = 0; i < f->prog->n_buffers; i++)
        if (f->buffers[i].capacity >= POOLED_BYTES)
            buffer_release(f, &f->buffers[i]);
    if (f->scratch.capacity >= POOLED_BYTES)
        buffer_release(f, &f->scratch);
}

/* Drop what the call owned and keep the frame for the next call. Needs the GIL. */
static inline void frame_give(frame *f)
{
    program *p = f->prog;
    for (Py_ssize_t i = 0; i < p->n_held; i++)
        Py_CLEAR(f->object[p->held[i]]);
    for (Py_ssize_t i = 0; i < p->n_inputs; i++)
        Py_CLEAR(f->object[i]);
    if (PT_UNLIKELY(f->scratch_used || f->n_old_scratch))
        scratch_reset(f);
    if (p->collect && PT_UNLIKELY(f->held_bytes >= POOLED_BYTES))
        frame_collect(f);
    POOL_LOCK(p);
    f->next = p->pool;
    p->pool = f;
    POOL_UNLOCK(p);
}

/* Free what idle frames hold. */
static void frames_free(program *p)
{
    POOL_LOCK(p);
    frame *f = p->pool;
    p->pool = NULL;
    POOL_UNLOCK(p);
    while (f) {
        frame *next = f->next;
        frame_free(f);
        f = next;
    }
}

#endif
