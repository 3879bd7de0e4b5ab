/* Kernel of Trmm and Trmv. */
#include "stack.h"

#ifndef ELEMENT /* compiled alone; a unit defines ELEMENT and lists the files it needs */
#define ELEMENT d
#include "loops.c"
#include "triangle_loops.c"
#include "gemv.c"
#include "gemm.c"
#include "trmm.c"
#endif

#ifndef PYTENSOR_BLAS_TRMM_HOW
#define PYTENSOR_BLAS_TRMM_HOW
typedef struct {
    const char *op;
    bool lower, right, zeroed, in_place;
    int ndim;      /* of x and z */
    unsigned ones; /* a bit for each axis of the accumulator that is repeated if its length is 1 */
} trmm_how;
#endif

/* z <- alpha T x + beta old, or alpha x T + beta old. */
BLAS_HELPER int NAME(trmm_kernel)(pt_ctx *ctx, const trmm_how *how, const pt_array *old, REAL alpha,
        const pt_array *a, const pt_array *x, REAL beta, pt_array *z)
{
    const int64_t itemsize = (int64_t)sizeof(REAL), n = a->shape[how->right ? 0 : 1];
    int64_t shape[2] = {a->shape[0], how->ndim == 2 ? x->shape[1] : 1};
    if (n != x->shape[how->right ? 1 : 0])
        return pt_fail(ctx, PT_VALUE_ERROR,
                "[%s] A and x must agree on the inner dimension (shapes not aligned), got A (%lld, %lld) for "
                "%lld "
                "%s of x",
                how->op, (long long)a->shape[0], (long long)a->shape[1],
                (long long)x->shape[how->right ? 1 : 0], how->right ? "columns" : "rows");
    if (how->right) {
        shape[0] = x->shape[0];
        shape[1] = a->shape[1];
    }
    for (int i = 0; i < how->ndim; i++)
        if (!fits(old->shape[i], shape[i], how->ones >> i & 1u))
            return fail_accumulator(ctx, how->op, "z", how->ones, old, shape, how->ndim);
    if (how->in_place) {
        pt_view(z, old, how->ndim);
    } else {
        for (int i = 0; i < how->ndim; i++)
            z->shape[i] = shape[i];
        const int failed = pt_alloc(ctx, z, how->ndim, itemsize);
        if (failed)
            return failed;
    }
    matrix_view out = core_matrix(z, z->data, 0, how->ndim), from = core_matrix(x, x->data, 0, how->ndim);
    matrix_view start = core_matrix(old, old->data, 0, how->ndim);
    pt_heavy(ctx, 0.5 * (double)pt_size(z, how->ndim) * (double)n / GEMM_PER_NS);
    if (!how->in_place && !NAME(equals)(beta, 0.0) && start.data != out.data) {
        start.row_stride = start.rows == out.rows ? start.row_stride : 0;
        start.col_stride = start.cols == out.cols ? start.col_stride : 0;
        start.rows = out.rows;
        start.cols = out.cols;
        copy_matrix(&out, &start, itemsize);
    }
    triangle_view t = {matrix_of(a), how->lower, false};
    if (how->right) {
        t = (triangle_view){transposed(&t.view), !how->lower, false};
        out = transposed(&out);
        from = transposed(&from);
    }
    const blas_env env = kernel_env(ctx);
    return kernel_status(ctx, NAME(trmm)(&env, alpha, &t, how->zeroed, &from, beta, &out), how->op);
}
