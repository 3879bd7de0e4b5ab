/* What a generated kernel may know about the world: array views, errors, memory, the GIL.
   This file includes no Python and no NumPy header, so that a unit compiles in a few hundredths of a second.
 */
#ifndef PYTENSOR_H
#define PYTENSOR_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__GNUC__) || defined(__clang__)
#define PT_PRINTF(at, first) __attribute__((format(printf, at, first)))
#define PT_LIKELY(condition) __builtin_expect(!!(condition), 1)
#define PT_UNLIKELY(condition) __builtin_expect(!!(condition), 0)
#define PT_UNUSED __attribute__((unused))
#define PT_EXPORT __attribute__((visibility("default")))
#else
#define PT_PRINTF(at, first)
#define PT_LIKELY(condition) (condition)
#define PT_UNLIKELY(condition) (condition)
#define PT_UNUSED
#define PT_EXPORT __declspec(dllexport)
#endif

/* A strided array. Strides are in bytes; ndim and dtype are known when the kernel is generated.
   Data of inputs is aligned to its element. Never write to the shape or strides of an input. */
typedef struct {
    char *data;
    int64_t *shape;
    int64_t *strides;
} pt_array;

/* Status of a kernel: PT_OK, or the class of the exception to raise. */
enum {
    PT_OK = 0,
    PT_VALUE_ERROR,
    PT_TYPE_ERROR,
    PT_INDEX_ERROR,
    PT_ZERO_DIVISION,
    PT_OVERFLOW,
    PT_MEMORY,
    PT_LINALG_ERROR,
    PT_NOT_IMPLEMENTED,
    PT_RUNTIME_ERROR,
    PT_ASSERTION_ERROR,
    PT_PYTHON /* a Python exception is already set */
};

typedef struct pt_ctx pt_ctx;

/* Every kernel has this type; the generated prologue names the arguments x0, x1, ..., z0, z1, ...
   `program` is the data of its step, aligned to 64 bytes, first its size as int64; NULL for kernels without.
 */
typedef int pt_kernel(pt_ctx *ctx, pt_array *const *args, const void *program);

/* Contiguous elements: pointers to the inputs, then to the outputs; what an interpreter runs. See elemwise.h.
 */
typedef void pt_loop(char *const *data, int64_t n, const void *program);
typedef struct pt_elemwise pt_elemwise;
typedef struct pt_reduction pt_reduction;

typedef struct {
    int (*fail)(pt_ctx *ctx, int kind, const char *format, ...) PT_PRINTF(3, 4);
    int (*alloc)(pt_ctx *ctx, pt_array *z, int ndim, int64_t itemsize);
    void *(*scratch)(pt_ctx *ctx, int64_t bytes);
    int (*run)(pt_ctx *ctx, int64_t block);
    void (*release_gil)(pt_ctx *ctx);
    void (*hold_gil)(pt_ctx *ctx);
    int (*elemwise)(pt_ctx *ctx, const pt_elemwise *e, pt_array *const *args, pt_loop *loop);
    int (*reduce)(pt_ctx *ctx, const pt_reduction *m, pt_array *const *args);
    int (*pause)(pt_ctx *ctx);
    /* Sort n elements without gaps, or, if `order` is given, write there the positions that sort them; type
       and kind are NumPy's numbers. */
    int (*sort)(pt_ctx *ctx, int type, int kind, void *data, int64_t *order, int64_t n);
    pt_kernel *(*kernel)(pt_ctx *ctx); /* of the present step: another one may have been put in its place */
    void *const *blas;                 /* addresses in the order of tensor/blas/_ldflags.py, or NULL */
    void *const *lapack;               /* likewise */
    void *const *special;              /* in the order of link/c/special.py, or NULL */
} pt_services;

/* The public head of the context of one call; the driver keeps more behind it. */
struct pt_ctx {
    const pt_services *svc;
    double work; /* work announced since the GIL was last held */
    /* Nanoseconds that native code would have saved, as interpreted kernels estimate and add them up. */
    double interpreted;
    int64_t resume;    /* steps of a loop that another kernel has done before this one takes over */
    int64_t iteration; /* of the innermost loop that failed, or -1 */
    int gil_released;
};

/* Keep a formatted message for the exception; `return pt_fail(ctx, PT_VALUE_ERROR, "...", ...)`. */
#define pt_fail(ctx, ...) ((ctx)->svc->fail((ctx), __VA_ARGS__))

/* Give z memory for z->shape (filled by the caller): C-contiguous data and strides are set.
   Where the memory comes from is the memory plan's business. The kernel may be told by the plan that z shares
   the memory of an input it declared in CKernel.inplace: then both are C-contiguous and of one shape. */
static inline int pt_alloc(pt_ctx *ctx, pt_array *z, int ndim, int64_t itemsize)
{
    return ctx->svc->alloc(ctx, z, ndim, itemsize);
}

/* Memory that lives until this kernel returns, aligned to 64 bytes; NULL when there is none. */
static inline void *pt_scratch(pt_ctx *ctx, int64_t bytes)
{
    return ctx->svc->scratch(ctx, bytes);
}

/* Run an inner block of steps (the body of a scan, a branch of a conditional); see CKernel.blocks. */
static inline int pt_run(pt_ctx *ctx, int64_t block)
{
    return ctx->svc->run(ctx, block);
}

/* Units of work (about a nanosecond each) from which the GIL is given away. */
#define PT_HEAVY 20000.0

/* Announce work before doing it. The driver takes the GIL back when it needs it. */
static inline void pt_heavy(pt_ctx *ctx, double work)
{
    ctx->work += work;
    if (PT_UNLIKELY(ctx->work > PT_HEAVY) && !ctx->gil_released)
        ctx->svc->release_gil(ctx);
}

/* Let an interrupt (Control-C) through: a kernel that runs without limit calls this every 50 ms or so, while
   nothing is half-done, and passes a status other than PT_OK on. */
static inline int pt_pause(pt_ctx *ctx)
{
    return ctx->svc->pause(ctx);
}

/* Number of elements. */
static inline int64_t pt_size(const pt_array *x, int ndim)
{
    int64_t size = 1;
    for (int i = 0; i < ndim; i++)
        size *= x->shape[i];
    return size;
}

/* True if the elements lie in C order without gaps; strides of length-1 and empty axes do not matter. */
static inline int pt_is_c_contiguous(const pt_array *x, int ndim, int64_t itemsize)
{
    for (int i = ndim - 1; i >= 0; i--) {
        if (x->shape[i] == 0)
            return 1;
        if (x->shape[i] != 1 && x->strides[i] != itemsize)
            return 0;
        itemsize *= x->shape[i];
    }
    return 1;
}

/* z has the shape of x. */
static inline void pt_same_shape(pt_array *z, const pt_array *x, int ndim)
{
    for (int i = 0; i < ndim; i++)
        z->shape[i] = x->shape[i];
}

/* z views all of x. */
static inline void pt_view(pt_array *z, const pt_array *x, int ndim)
{
    z->data = x->data;
    for (int i = 0; i < ndim; i++) {
        z->shape[i] = x->shape[i];
        z->strides[i] = x->strides[i];
    }
}

#endif
