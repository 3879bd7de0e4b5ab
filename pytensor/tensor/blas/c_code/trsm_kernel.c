/* Kernels of SolveTriangular and CholeskySolve, for one system or a batch. */
#include "stack.h"

#ifndef ELEMENT /* compiled alone; a unit defines ELEMENT and lists the files it needs */
#define ELEMENT d
#include "loops.c"
#include "triangle_loops.c"
#include "gemv.c"
#include "gemm.c"
#include "trsm.c"
#endif

#ifndef PYTENSOR_BLAS_SOLVE_HOW
#define PYTENSOR_BLAS_SOLVE_HOW
typedef struct {
    const char *op;
    bool cholesky; /* A is the factor of the matrix of the system */
    bool lower, unit, in_place;
    int batch, b_ndim;
} solve_how;
#endif

/* x <- A^-1 x; NaN where A is singular. With the factor L of a matrix: x <- L^-H L^-1 x. */
BLAS_HELPER int NAME(solve_item)(
        const blas_env *env, const solve_how *how, const matrix_view *a, const matrix_view *x)
{
    triangle_view triangle = {*a, how->lower, how->unit};
    if (!how->cholesky && NAME(is_singular)(&triangle)) {
        NAME(fill_matrix)(NAME(real)(__builtin_nan("")), x);
        return BLAS_DONE;
    }
    triangle_view adjoint = {transposed(a), !how->lower, how->unit};
    adjoint.view.conj = true;
    if (!how->cholesky)
        return NAME(solve_triangle)(env, &triangle, x);
    const int status = NAME(solve_triangle)(env, how->lower ? &triangle : &adjoint, x);
    return status ? status : NAME(solve_triangle)(env, how->lower ? &adjoint : &triangle, x);
}

BLAS_HELPER int NAME(solve_kernel)(
        pt_ctx *ctx, const solve_how *how, const stack *a, const stack *b, pt_array *z)
{
    const int64_t itemsize = (int64_t)sizeof(REAL), n = a->x->shape[how->batch];
    const int ndim = how->batch + how->b_ndim;
    const int64_t *const a_shape = a->x->shape + how->batch, *const b_shape = b->x->shape + how->batch;
    if (n != a_shape[1])
        return pt_fail(ctx, PT_LINALG_ERROR, "[%s] A must be a square matrix, got shape (%lld, %lld)",
                how->op, (long long)n, (long long)a_shape[1]);
    if (n != b_shape[0])
        return pt_fail(ctx, PT_VALUE_ERROR,
                how->b_ndim == 1
                        ? "[%s] A and b must agree on the first dimension, got A (%lld, %lld) and b (%lld,)"
                        : "[%s] A and b must agree on the first dimension, got A (%lld, %lld) and b (%lld, "
                          "%lld)",
                how->op, (long long)n, (long long)n, (long long)b_shape[0],
                how->b_ndim == 1 ? 0LL : (long long)b_shape[1]);
    int failed = stack_shape(ctx, how->op, how->batch, a, b, z->shape);
    if (failed)
        return failed;
    if (how->in_place) {
        pt_view(z, b->x, ndim);
    } else {
        for (int i = how->batch; i < ndim; i++)
            z->shape[i] = b->x->shape[i];
        failed = pt_alloc(ctx, z, ndim, itemsize);
        if (failed)
            return failed;
    }
    int64_t items = 1;
    for (int i = 0; i < how->batch; i++)
        items *= z->shape[i];
    item_scratch scratch = {ctx, NULL, 0, 0};
    const blas_env env = {ctx->svc->blas, take_item_scratch, &scratch};
    pt_heavy(ctx, (double)pt_size(z, ndim) * (double)n * (how->cholesky ? 2 : 1) / GEMM_PER_NS);
    for (int64_t k = 0; k < items; k++) {
        const matrix_view from =
                core_matrix(b->x, stack_item(b->x, z->shape, how->batch, k), how->batch, how->b_ndim);
        const matrix_view to =
                core_matrix(z, stack_item(z, z->shape, how->batch, k), how->batch, how->b_ndim);
        const matrix_view matrix =
                core_matrix(a->x, stack_item(a->x, z->shape, how->batch, k), how->batch, 2);
        if (to.data != from.data)
            copy_matrix(&to, &from, itemsize);
        scratch.used = 0;
        const int status = NAME(solve_item)(&env, how, &matrix, &to);
        if (status)
            return kernel_status(ctx, status, how->op);
    }
    return PT_OK;
}
