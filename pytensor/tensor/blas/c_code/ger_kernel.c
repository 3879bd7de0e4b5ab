/* Kernel of Ger. */
#include "kernel.h"

#ifndef ELEMENT /* compiled alone; a unit defines ELEMENT and lists the files it needs */
#define ELEMENT d
#include "loops.c"
#include "ger.c"
#endif

/* z <- a + alpha x y', over `a` or in new memory. */
BLAS_HELPER int NAME(ger_kernel)(pt_ctx *ctx, bool in_place, const pt_array *a, REAL alpha, const pt_array *x,
        const pt_array *y, pt_array *z)
{
    if (a->shape[0] != x->shape[0] || a->shape[1] != y->shape[0])
        return pt_fail(ctx, PT_VALUE_ERROR,
                "[Ger] operands must be aligned: A (m, n), x (m,), y (n,); got A (%lld, %lld), x (%lld,), y "
                "(%lld,)",
                (pt_int)a->shape[0], (pt_int)a->shape[1], (pt_int)x->shape[0], (pt_int)y->shape[0]);
    if (in_place) {
        pt_view(z, a, 2);
    } else {
        pt_same_shape(z, a, 2);
        const int failed = pt_alloc(ctx, z, 2, (int64_t)sizeof(REAL));
        if (failed)
            return failed;
    }
    const blas_env env = kernel_env(ctx);
    const vector_view left = vector_of(x), right = vector_of(y);
    const matrix_view from = matrix_of(a), to = matrix_of(z);
    pt_heavy(ctx, (double)to.rows * (double)to.cols / GEMV_PER_NS);
    return kernel_status(ctx, NAME(ger)(&env, alpha, &left, &right, &from, &to), "Ger");
}
