/* Kernel of Syrk. */
#include "kernel.h"

#ifndef ELEMENT /* compiled alone; a unit defines ELEMENT and lists the files it needs */
#define ELEMENT d
#include "loops.c"
#include "gemv.c"
#include "gemm.c"
#include "syrk.c"
#endif

/* z <- alpha x x' + beta old, over `old` or in new memory. `ones` has a bit for each axis of `old` that is
 * repeated if its length is 1. */
BLAS_HELPER int NAME(syrk_kernel)(pt_ctx *ctx, bool in_place, unsigned ones, bool hermitian,
        const pt_array *old, REAL alpha, const pt_array *x, REAL beta, pt_array *z)
{
    const int64_t n = x->shape[0], shape[] = {n, n};
    if (!fits(old->shape[0], n, ones & 1u) || !fits(old->shape[1], n, ones & 2u))
        return fail_accumulator(ctx, "Syrk", "z", ones, old, shape, 2);
    if (in_place) {
        pt_view(z, old, 2);
    } else {
        z->shape[0] = z->shape[1] = n;
        const int failed = pt_alloc(ctx, z, 2, (int64_t)sizeof(REAL));
        if (failed)
            return failed;
    }
    const matrix_view a = matrix_of(x), c = matrix_of(z), from = broadcast_to(&c, old);
    const blas_env env = kernel_env(ctx);
    pt_heavy(ctx, 0.5 * (double)n * (double)n * (double)a.cols / GEMM_PER_NS);
    return kernel_status(ctx, NAME(syrk)(&env, hermitian, alpha, &a, beta, &from, &c), "Syrk");
}
