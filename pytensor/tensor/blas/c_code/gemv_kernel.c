/* Kernel of Gemv. */
#include "kernel.h"

#ifndef ELEMENT /* compiled alone; a unit defines ELEMENT and lists the files it needs */
#define ELEMENT d
#include "loops.c"
#include "gemv.c"
#endif

/* y <- alpha a x + beta old, over `old` or in new memory. With `ones`, an `old` of length 1 is repeated. */
BLAS_HELPER int NAME(gemv_kernel)(pt_ctx *ctx, bool in_place, unsigned ones, const pt_array *old, REAL alpha,
        const pt_array *a, bool conj_a, const pt_array *x, REAL beta, pt_array *y)
{
    const int64_t rows = a->shape[0], itemsize = (int64_t)sizeof(REAL);
    if (a->shape[1] != x->shape[0])
        return fail_shapes(ctx, "Gemv", "inner dimension", "A", a, 2, "x", x, 1);
    if (!fits(old->shape[0], rows, ones & 1u))
        return fail_accumulator(ctx, "Gemv", "y", ones, old, a->shape, 1);
    if (in_place) {
        pt_view(y, old, 1);
    } else {
        y->shape[0] = rows;
        const int failed = pt_alloc(ctx, y, 1, itemsize);
        if (failed)
            return failed;
        if (!NAME(equals)(beta, 0.0) && y->data != old->data)
            copy_line(y->data, itemsize, old->data, old->shape[0] == rows ? old->strides[0] : 0, rows,
                    itemsize);
    }
    const blas_env env = kernel_env(ctx);
    const matrix_view matrix = factor_of(a, conj_a);
    const vector_view in = vector_of(x), out = vector_of(y);
    pt_heavy(ctx, (double)rows * (double)matrix.cols / GEMV_PER_NS);
    return kernel_status(ctx, NAME(gemv)(&env, alpha, &matrix, &in, beta, &out), "Gemv");
}
