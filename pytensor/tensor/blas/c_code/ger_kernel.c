/* Kernel of Ger. */
#include "kernel.h"

#ifndef ELEMENT /* compiled alone; a unit defines ELEMENT and lists the files it needs */
#define ELEMENT d
#include "loops.c"
#include "ger.c"
#endif

/* z <- a + alpha x y', over `a` or in new memory; x or y may be conjugated. `ones` has a bit for each axis
 * along which `a` is known to have length 1: there it is broadcast. */
BLAS_HELPER int NAME(ger_kernel)(pt_ctx *ctx, bool in_place, unsigned ones, const pt_array *a, REAL alpha,
        const pt_array *x, bool conj_x, const pt_array *y, bool conj_y, pt_array *z)
{
    if (!(ones & 1u) && a->shape[0] != x->shape[0])
        return fail_shapes(ctx, "Ger", "number of rows", "A", a, 2, "x", x, 1);
    if (!(ones & 2u) && a->shape[1] != y->shape[0])
        return fail_shapes(ctx, "Ger", "number of columns", "A", a, 2, "y", y, 1);
    if (in_place) {
        pt_view(z, a, 2);
    } else {
        z->shape[0] = x->shape[0];
        z->shape[1] = y->shape[0];
        const int failed = pt_alloc(ctx, z, 2, (int64_t)sizeof(REAL));
        if (failed)
            return failed;
    }
    const blas_env env = kernel_env(ctx);
    vector_view left = vector_of(x), right = vector_of(y);
    left.conj = conj_x;
    right.conj = conj_y;
    const matrix_view to = matrix_of(z), from = broadcast_to(&to, a);
    pt_heavy(ctx, (double)to.rows * (double)to.cols / GEMV_PER_NS);
    return kernel_status(ctx, NAME(ger)(&env, alpha, &left, &right, &from, &to), "Ger");
}
