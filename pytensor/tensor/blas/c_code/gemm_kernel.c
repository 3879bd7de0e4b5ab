/* Kernels of Gemm, Dot22 and Dot22Scalar. */
#include "kernel.h"

#ifndef ELEMENT /* compiled alone; a unit defines ELEMENT and lists the files it needs */
#define ELEMENT d
#include "loops.c"
#include "gemv.c"
#include "gemm.c"
#endif

/* z <- alpha x y, a new matrix. */
BLAS_HELPER int NAME(dot22_kernel)(pt_ctx *ctx, const char *op, REAL alpha, const pt_array *x, bool conj_x,
        const pt_array *y, bool conj_y, pt_array *z)
{
    if (x->shape[1] != y->shape[0])
        return fail_shapes(ctx, op, "inner dimension", "x", x, 2, "y", y, 2);
    z->shape[0] = x->shape[0];
    z->shape[1] = y->shape[1];
    const int failed = pt_alloc(ctx, z, 2, (int64_t)sizeof(REAL));
    if (failed)
        return failed;
    const blas_env env = kernel_env(ctx);
    const matrix_view a = factor_of(x, conj_x), b = factor_of(y, conj_y), c = matrix_of(z);
    pt_heavy(ctx, (double)c.rows * (double)c.cols * (double)a.cols / GEMM_PER_NS);
    return kernel_status(ctx, NAME(gemm)(&env, alpha, &a, &b, NAME(real)(0.0), &c), op);
}

/* z <- alpha x y + beta old, over `old` or in new memory. `ones` has a bit for each axis of `old` that is
 * repeated if its length is 1. */
BLAS_HELPER int NAME(gemm_kernel)(pt_ctx *ctx, bool in_place, unsigned ones, const pt_array *old, REAL alpha,
        const pt_array *x, bool conj_x, const pt_array *y, bool conj_y, REAL beta, pt_array *z)
{
    const int64_t shape[] = {x->shape[0], y->shape[1]};
    if (x->shape[1] != y->shape[0])
        return fail_shapes(ctx, "Gemm", "inner dimension", "x", x, 2, "y", y, 2);
    if (!fits(old->shape[0], shape[0], ones & 1u) || !fits(old->shape[1], shape[1], ones & 2u))
        return fail_accumulator(ctx, "Gemm", "z", ones, old, shape, 2);
    const matrix_view a = factor_of(x, conj_x), b = factor_of(y, conj_y);
    if (in_place) {
        pt_view(z, old, 2);
    } else {
        z->shape[0] = shape[0];
        z->shape[1] = shape[1];
        const int failed = pt_alloc(ctx, z, 2, (int64_t)sizeof(REAL));
        if (failed)
            return failed;
    }
    const matrix_view c = matrix_of(z);
    pt_heavy(ctx, (double)c.rows * (double)c.cols * (double)a.cols / GEMM_PER_NS);
    if (!in_place && !NAME(equals)(beta, 0.0))
        load_accumulator(&c, old, (int64_t)sizeof(REAL));
    const blas_env env = kernel_env(ctx);
    return kernel_status(ctx, NAME(gemm)(&env, alpha, &a, &b, beta, &c), "Gemm");
}
