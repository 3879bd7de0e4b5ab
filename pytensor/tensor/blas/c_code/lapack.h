/* What the kernels of linear algebra share: the table of LAPACK's routines, batches, layouts, memory.
 *
 * Fortran passes everything by address, so that one body serves the four element types: which routine it
 * calls and how large its elements are is decided when it runs. LAPACK always comes through SciPy's capsules,
 * whose integers have 32 bits. Matrices are turned to columns in scratch memory and results turned back:
 * LAPACK sees what it sees under SciPy, and finds the same numbers.
 */
#ifndef PYTENSOR_LAPACK_H
#define PYTENSOR_LAPACK_H

#include "walk.h"
#include "parameters.h"
#include "views.h"
#include "kernel.h"

/* The order of the table, four element types each; LAPACK_NAMES in _provider.py is the same list. */
/* clang-format off */
#define LAPACK_ROUTINES(ENTRY) \
    ENTRY(potrf) ENTRY(potrs) ENTRY(getrf) ENTRY(getrs) ENTRY(getri) ENTRY(trtrs) ENTRY(trtri) ENTRY(geqrf) \
    ENTRY(orgqr) ENTRY(syevd) ENTRY(gesdd) ENTRY(geev) ENTRY(sytrf) ENTRY(sytrs) ENTRY(gtsv) ENTRY(gecon) \
    ENTRY(pocon) ENTRY(sysv) ENTRY(hesv) ENTRY(gbsv) ENTRY(geqp3) ENTRY(syev) ENTRY(syevr) ENTRY(sygvd) \
    ENTRY(gees) ENTRY(gelsd) ENTRY(gttrf) ENTRY(gttrs) ENTRY(gesv)
/* clang-format on */
#define LAPACK_INDEX(name) LAPACK_##name,
enum lapack_routine { LAPACK_ROUTINES(LAPACK_INDEX) LAPACK_ROUTINE_COUNT };

typedef int32_t lapack_int;

enum { LAPACK_ARRAYS = 12, LAPACK_INPUT_WORDS = 2 };

/* One call of a kernel. `w` walks over the items of all inputs and outputs. */
typedef struct {
    pt_ctx *ctx;
    const char *op;
    pt_array *const *args;
    const int64_t *dtype; /* of each input: 0 if it is that of the elements */
    const int64_t *p;     /* the kernel's own parameters */
    int64_t itemsize, part, items;
    int element, batch, n_in, n;
    bool is_complex, no_memory;
    int64_t shape[65], index[65];
    pt_walker w[LAPACK_ARRAYS];
} lapack_job;

/* The address of a routine for the elements at hand, as a pointer to its function type. */
#define LAPACK_CALL(job, name) ((name##_fn *)(uintptr_t)lapack_address(job, LAPACK_##name))

BLAS_HELPER const void *lapack_address(const lapack_job *job, int routine)
{
    return job->ctx->svc->lapack[4 * routine + job->element];
}

BLAS_OUTLINE int lapack_failed(const lapack_job *job, int kind, const char *text)
{
    return pt_fail(job->ctx, kind, "[%s] %s", job->op, text);
}

/* Are the routines there? A LAPACK may lack some. */
BLAS_HELPER int lapack_needs(const lapack_job *job, int first, int second)
{
    if (lapack_address(job, first) && lapack_address(job, second))
        return PT_OK;
    return lapack_failed(job, PT_NOT_IMPLEMENTED, "SciPy's LAPACK lacks a routine");
}

/* Parameters: element type, axes of the batch; for each input the bits of the batch axes that have length 1
   by type, and its dtype if that is not the elements'; the rest is the kernel's. */
BLAS_OUTLINE int lapack_begin(lapack_job *job, pt_ctx *ctx, pt_array *const *args, const void *program,
        const char *op, int n_in, int n_out)
{
    const int64_t *const p = pt_parameters(program);
    const int element = (int)p[0];
    job->ctx = ctx;
    job->op = op;
    job->args = args;
    job->element = element;
    job->is_complex = element >= 2;
    job->part = element % 2 ? 8 : 4;
    job->itemsize = job->is_complex ? 2 * job->part : job->part;
    job->batch = (int)p[1];
    job->n_in = n_in;
    job->n = n_in + n_out;
    job->dtype = p + 2 + n_in;
    job->p = p + 2 + LAPACK_INPUT_WORDS * n_in;
    job->no_memory = false;
    job->items = 1;
    for (int i = 0; i < n_in; i++)
        job->w[i] = (pt_walker){args[i], (uint64_t)p[2 + i], NULL};
    for (int i = n_in; i < job->n; i++)
        job->w[i] = (pt_walker){args[i], 0, NULL};
    const int status = pt_batch_shape(ctx, op, job->batch, n_in, job->w, job->shape);
    for (int d = 0; d < job->batch && status == PT_OK; d++) {
        job->items *= job->shape[d];
        job->index[d] = 0;
    }
    return status;
}

/* Length of a core axis of an argument. */
BLAS_HELPER int64_t lapack_length(const lapack_job *job, int i, int axis)
{
    return job->args[i]->shape[job->batch + axis];
}

/* Lengths that Fortran can count. */
BLAS_HELPER int lapack_fits(const lapack_job *job, int64_t m, int64_t n)
{
    if (PT_LIKELY(m < BLAS_INT_LIMIT && n < BLAS_INT_LIMIT))
        return PT_OK;
    return lapack_failed(job, PT_VALUE_ERROR, "a matrix is too large for 32-bit LAPACK");
}

BLAS_OUTLINE int lapack_square(const lapack_job *job, int i, const char *name)
{
    const int64_t m = lapack_length(job, i, 0), n = lapack_length(job, i, 1);
    if (m == n)
        return lapack_fits(job, m, n);
    return pt_fail(job->ctx, PT_LINALG_ERROR, "[%s] %s must be a square matrix, got shape (%lld, %lld)",
            job->op, name, (long long)m, (long long)n);
}

/* Output number `o` gets memory for the batch and a core of `ndim` axes. */
BLAS_OUTLINE int lapack_output(lapack_job *job, int o, int ndim, int64_t rows, int64_t cols, int64_t itemsize)
{
    const int i = job->n_in + o;
    pt_array *const z = job->args[i];
    for (int d = 0; d < job->batch; d++)
        z->shape[d] = job->shape[d];
    if (ndim > 0)
        z->shape[job->batch] = rows;
    if (ndim > 1)
        z->shape[job->batch + 1] = cols;
    return pt_alloc(job->ctx, z, job->batch + ndim, itemsize);
}

/* Scratch memory that lives as long as the kernel; what is missing is told at the end of taking. */
BLAS_OUTLINE void *lapack_take(lapack_job *job, int64_t elements, int64_t itemsize)
{
    void *const at = pt_scratch(job->ctx, packed_bytes(at_least_one(elements), itemsize));
    job->no_memory |= at == NULL;
    return at;
}

BLAS_HELPER void *lapack_take_matrix(lapack_job *job, int64_t rows, int64_t cols)
{
    return lapack_take(job, at_least_one(rows) * at_least_one(cols), job->itemsize);
}

BLAS_HELPER lapack_int *lapack_take_ints(lapack_job *job, int64_t n)
{
    return lapack_take(job, n, (int64_t)sizeof(lapack_int));
}

BLAS_OUTLINE int lapack_memory(const lapack_job *job)
{
    return job->no_memory ? lapack_failed(job, PT_MEMORY, "no memory for LAPACK to work in") : PT_OK;
}

/* Work space as a query answered it: a floating point number, which may have been rounded down. */
BLAS_OUTLINE int lapack_take_work(lapack_job *job, const void *answer, void **work, lapack_int *lwork)
{
    const double wanted = job->part == 8 ? *(const double *)answer : *(const float *)answer * (1.0 + 1e-6);
    if (!(wanted < (double)INT32_MAX))
        return lapack_failed(job, PT_VALUE_ERROR,
                "Too large work array required -- computation cannot be performed with standard 32-bit "
                "LAPACK.");
    *lwork = wanted > 1.0 ? (lapack_int)__builtin_ceil(wanted) : 1;
    *work = lapack_take(job, *lwork, job->itemsize);
    return lapack_memory(job);
}

/* Announce floating point operations for each item. LAPACK does small ones slowly. */
BLAS_HELPER void lapack_heavy(const lapack_job *job, double operations)
{
    pt_heavy(job->ctx, (double)job->items * (300.0 + operations / 4.0));
}

BLAS_HELPER void lapack_first(lapack_job *job)
{
    pt_batch_begin(job->w, job->n);
}

BLAS_HELPER void lapack_next(lapack_job *job)
{
    pt_batch_next(job->w, job->n, job->batch, job->shape, job->index);
}

/* The core of argument `i` of this item as a matrix; a vector is one column. */
BLAS_HELPER matrix_view lapack_item(const lapack_job *job, int i, int ndim)
{
    const int64_t *const shape = job->args[i]->shape + job->batch;
    const int64_t *const strides = job->args[i]->strides + job->batch;
    char *const at = job->w[i].at;
    return ndim == 2 ? (matrix_view){at, shape[0], shape[1], strides[0], strides[1], false}
                     : (matrix_view){at, ndim ? shape[0] : 1, 1, ndim ? strides[0] : 0, 0, false};
}

BLAS_HELPER char *lapack_out(const lapack_job *job, int o)
{
    return job->w[job->n_in + o].at;
}

/* Memory with `ld` rows seen as a matrix stored by columns. */
BLAS_HELPER matrix_view lapack_columns(
        const lapack_job *job, void *data, int64_t rows, int64_t cols, int64_t ld)
{
    return (matrix_view){data, rows, cols, job->itemsize, at_least_one(ld) * job->itemsize, false};
}

/* An element of any precision as two doubles. */
BLAS_HELPER element_z lapack_read(const lapack_job *job, const char *at)
{
    switch (job->element) {
    case 0:
        return (element_z){load_s(at), 0.0};
    case 1:
        return (element_z){load_d(at), 0.0};
    case 2:
        return (element_z){load_c(at).re, load_c(at).im};
    default:
        return load_z(at);
    }
}

BLAS_HELPER void lapack_write(const lapack_job *job, char *at, double re, double im)
{
    switch (job->element) {
    case 0:
        store_s(at, (float)re);
        return;
    case 1:
        store_d(at, re);
        return;
    case 2:
        store_c(at, (element_c){(float)re, (float)im});
        return;
    default:
        store_z(at, (element_z){re, im});
    }
}

/* A real number of the precision at hand. */
BLAS_HELPER double lapack_read_part(const lapack_job *job, const char *at)
{
    return job->part == 8 ? load_d(at) : (double)load_s(at);
}

BLAS_HELPER void lapack_write_part(const lapack_job *job, char *at, double value)
{
    if (job->part == 8)
        store_d(at, value);
    else
        store_s(at, (float)value);
}

/* Elements of another dtype become those LAPACK works with. */
BLAS_OUTLINE void lapack_convert(
        const lapack_job *job, const matrix_view *to, const matrix_view *from, int64_t dtype)
{
    for (int64_t j = 0; j < to->cols; j++)
        for (int64_t i = 0; i < to->rows; i++) {
            const char *const at = from->data + i * from->row_stride + j * from->col_stride;
            double re, im = 0.0;
            if (dtype == PT_F32 || dtype == PT_C64) {
                re = load_s(at);
                im = dtype == PT_C64 ? (double)load_s(at + 4) : 0.0;
            } else if (dtype == PT_F64 || dtype == PT_C128) {
                re = load_d(at);
                im = dtype == PT_C128 ? load_d(at + 8) : 0.0;
            } else if (dtype == PT_U64) {
                re = (double)*(const uint64_t *)(const void *)at;
            } else {
                re = (double)pt_read_int(at, dtype);
            }
            lapack_write(job, to->data + i * to->row_stride + j * to->col_stride, re, im);
        }
}

/* to <- input number i of this item */
BLAS_OUTLINE void lapack_load(const lapack_job *job, int i, int ndim, const matrix_view *to)
{
    const matrix_view from = lapack_item(job, i, ndim);
    if (job->dtype[i])
        lapack_convert(job, to, &from, job->dtype[i]);
    else if (from.data != to->data)
        copy_matrix(to, &from, job->itemsize);
}

/* The matrix of input number i in `data`, by columns. */
BLAS_HELPER matrix_view lapack_load_columns(const lapack_job *job, int i, int ndim, void *data)
{
    const int64_t rows = lapack_length(job, i, 0), cols = ndim == 2 ? lapack_length(job, i, 1) : 1;
    const matrix_view to = lapack_columns(job, data, rows, cols, rows);
    lapack_load(job, i, ndim, &to);
    return to;
}

/* Output number o of this item <- from */
BLAS_HELPER void lapack_store(const lapack_job *job, int o, int ndim, const matrix_view *from)
{
    const matrix_view to = lapack_item(job, job->n_in + o, ndim);
    if (to.data != from->data)
        copy_matrix(&to, from, job->itemsize);
}

BLAS_OUTLINE void lapack_fill(const lapack_job *job, const matrix_view *z, double value)
{
    for (int64_t i = 0; i < z->rows; i++)
        for (int64_t j = 0; j < z->cols; j++)
            lapack_write(job, z->data + i * z->row_stride + j * z->col_stride, value, 0.0);
}

/* A matrix that is zero but for ones on the diagonal. */
BLAS_OUTLINE void lapack_identity(const lapack_job *job, const matrix_view *z)
{
    lapack_fill(job, z, 0.0);
    for (int64_t i = 0; i < z->rows && i < z->cols; i++)
        lapack_write(job, z->data + i * (z->row_stride + z->col_stride), 1.0, 0.0);
}

/* The elements below the diagonal number `k` and above become zero. */
BLAS_OUTLINE void lapack_clear(const lapack_job *job, const matrix_view *z, bool above)
{
    for (int64_t i = 0; i < z->rows; i++) {
        const int64_t end = above ? z->cols : i < z->cols ? i : z->cols;
        const int64_t begin = above ? i + 1 : 0;
        if (begin < end && z->col_stride == job->itemsize) {
            memset(z->data + i * z->row_stride + begin * z->col_stride, 0,
                    (size_t)((end - begin) * job->itemsize));
            continue;
        }
        for (int64_t j = begin; j < end; j++)
            memset(z->data + i * z->row_stride + j * z->col_stride, 0, (size_t)job->itemsize);
    }
}

/* Are all elements of packed memory finite? */
BLAS_OUTLINE bool lapack_is_finite(const lapack_job *job, const void *data, int64_t elements)
{
    const int64_t n = elements * (job->itemsize / job->part);
    int strange = 0;
    if (job->part == 8)
        for (int64_t i = 0; i < n; i++)
            strange |= ((const double *)data)[i] * 0 != 0;
    else
        for (int64_t i = 0; i < n; i++)
            strange |= ((const float *)data)[i] * 0 != 0;
    return !strange;
}

#endif
