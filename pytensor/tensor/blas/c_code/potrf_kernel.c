/* Kernel of Cholesky, for one matrix or a batch: LAPACK's potrf on any layout. */
#include "gemm_plan.h"
#include "stack.h"

#ifndef ELEMENT /* compiled alone; a unit defines ELEMENT and lists the files it needs */
#define ELEMENT d
#include "triangle_loops.c"
#endif

#ifndef PYTENSOR_LAPACK_POTRF
#define PYTENSOR_LAPACK_POTRF
/* LAPACK always comes through SciPy's capsules, whose integers have 32 bits. */
typedef void potrf_fn(const char *uplo, const int32_t *n, void *a, const int32_t *lda, int32_t *info);

typedef struct {
    bool lower, in_place;
    int batch;
} cholesky_how;
#endif

/* z <- its factor, in place; NaN if it is not positive definite. A matrix stored by rows is its transpose to
 * Fortran: the other factor of that one, read by rows, is the factor wanted. */
BLAS_HELPER int NAME(potrf)(const blas_env *env, potrf_fn *potrf, bool lower, const matrix_view *z)
{
    const int64_t itemsize = (int64_t)sizeof(REAL);
    const matrix_view turned = transposed(z);
    matrix_view work = *z;
    blas_int ld = 1;
    const bool by_rows = is_by_columns(&turned, itemsize, IS_COMPLEX, &ld);
    if (z->rows == 0)
        return BLAS_DONE;
    if (!by_rows && !is_by_columns(z, itemsize, IS_COMPLEX, &ld)) {
        char *const buffer = env->scratch(env->owner, packed_bytes(z->rows * z->cols, itemsize));
        if (!buffer)
            return BLAS_NO_MEMORY;
        work = column_buffer(z, buffer, itemsize);
        copy_matrix(&work, z, itemsize);
        ld = (blas_int)z->rows;
    }
    const int32_t n = (int32_t)z->rows, lda = (int32_t)ld;
    int32_t info = 0;
    potrf(lower == by_rows ? "U" : "L", &n, work.data, &lda, &info);
    if (work.data != z->data)
        copy_matrix(z, &work, itemsize);
    if (info)
        NAME(fill_matrix)(NAME(real)(__builtin_nan("")), z);
    else
        NAME(clear_triangle)(lower, z);
    return BLAS_DONE;
}

BLAS_HELPER int NAME(cholesky_kernel)(
        pt_ctx *ctx, void *routine, const cholesky_how *how, const pt_array *x, pt_array *z)
{
    const int64_t itemsize = (int64_t)sizeof(REAL), n = x->shape[how->batch];
    const int ndim = how->batch + 2;
    if (n != x->shape[how->batch + 1])
        return pt_fail(ctx, PT_LINALG_ERROR, "[Cholesky] x must be a square matrix, got shape (%lld, %lld)",
                (long long)n, (long long)x->shape[how->batch + 1]);
    if (how->in_place) {
        pt_view(z, x, ndim);
    } else {
        pt_same_shape(z, x, ndim);
        const int failed = pt_alloc(ctx, z, ndim, itemsize);
        if (failed)
            return failed;
    }
    int64_t items = 1;
    for (int i = 0; i < how->batch; i++)
        items *= z->shape[i];
    item_scratch scratch = {ctx, NULL, 0, 0};
    const blas_env env = {ctx->svc->blas, take_item_scratch, &scratch};
    potrf_fn *potrf;
    memcpy(&potrf, &routine, sizeof potrf);
    pt_heavy(ctx, (double)pt_size(z, ndim) * (double)n / 3.0 / GEMM_PER_NS);
    for (int64_t k = 0; k < items; k++) {
        const matrix_view from = core_matrix(x, stack_item(x, z->shape, how->batch, k), how->batch, 2);
        const matrix_view to = core_matrix(z, stack_item(z, z->shape, how->batch, k), how->batch, 2);
        if (to.data != from.data)
            copy_matrix(&to, &from, itemsize);
        scratch.used = 0;
        const int status = NAME(potrf)(&env, potrf, how->lower, &to);
        if (status)
            return kernel_status(ctx, status, "Cholesky");
    }
    return PT_OK;
}
