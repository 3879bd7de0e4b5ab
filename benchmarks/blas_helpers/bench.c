/* Times of one n x n x n product, by: the helper; the helper without its plain loops (always the library); the
 * library called by hand with known layouts (what inlined code would do); plain loops only. */
#include <stdio.h>
#include <time.h>
#include "gemm_plan.h"

#define ELEMENT d
#include "loops.c"
#include "gemv.c"
#include "gemm.c"
#include "ger.c"

static void *no_scratch(void *owner, int64_t bytes)
{
    (void)owner;
    (void)bytes;
    return NULL;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

enum { HELPER, LIBRARY, BY_HAND, LOOPS, ZERO_FIRST };

static void once(const blas_env *env, int how, const matrix_view *x, const matrix_view *y, const matrix_view *z)
{
    const blas_int m = (blas_int)z->rows, n = (blas_int)z->cols, k = (blas_int)x->cols;
    const double one = 1.0, zero = 0.0;
    if (how == HELPER) {
        gemm_d(env, one, x, y, zero, z);
    } else if (how == LIBRARY) {
        const gemm_plan plan = plan_gemm(x, y, z, 0, 8, false);
        run_gemm_d(env, &plan, NULL, one, zero);
    } else if (how == LOOPS) {
        small_gemm_d(one, x, y, zero, z);
    } else {
        if (how == ZERO_FIRST)
            memset(z->data, 0, (size_t)(m * n) * 8);
        ((gemm_fn *)env->routines[BLAS_dgemm])(
                "N", "N", &n, &m, &k, &one, y->data, &n, x->data, &k, &zero, z->data, &n);
    }
}

/* Nanoseconds per call of each way: the best of several rounds, in which the ways take turns. */
void bench_gemm(void *const *routines, double *best, const matrix_view *x, const matrix_view *y,
        const matrix_view *z, long calls)
{
    const blas_env env = {routines, no_scratch, NULL};
    for (int how = HELPER; how <= ZERO_FIRST; how++)
        best[how] = 1e30;
    for (int round = 0; round < 25; round++)
        for (int how = HELPER; how <= ZERO_FIRST; how++) {
            const double start = now();
            for (long i = 0; i < calls; i++)
                once(&env, how, x, y, z);
            const double elapsed = (now() - start) / (double)calls * 1e9;
            best[how] = elapsed < best[how] ? elapsed : best[how];
        }
}

/* how: 0 helper (library), 1 plain loops, 2 by hand */
double bench_gemv(void *const *routines, int how, const matrix_view *a, const vector_view *x,
        const vector_view *y, long calls)
{
    const blas_env env = {routines, no_scratch, NULL};
    const blas_int m = (blas_int)a->rows, n = (blas_int)a->cols, ld = n, inc = 1;
    const double one = 1.0, zero = 0.0;
    double best = 1e30;
    for (int round = 0; round < 15; round++) {
        const double start = now();
        for (long i = 0; i < calls; i++)
            if (how == 0)
                gemv_d(&env, one, a, x, zero, y);
            else if (how == 1)
                plain_gemv_d(one, a, x, zero, y);
            else
                ((gemv_fn *)routines[BLAS_dgemv])(
                        "T", &n, &m, &one, a->data, &ld, x->data, &inc, &zero, y->data, &inc);
        const double elapsed = (now() - start) / (double)calls * 1e9;
        best = elapsed < best ? elapsed : best;
    }
    return best;
}

/* how: 0 helper, 1 plain loops, 2 the library */
double bench_ger(void *const *routines, int how, const vector_view *x, const vector_view *y, const matrix_view *a,
        long calls)
{
    const blas_env env = {routines, no_scratch, NULL};
    double best = 1e30;
    for (int round = 0; round < 15; round++) {
        const double start = now();
        for (long i = 0; i < calls; i++)
            if (how == 0)
                ger_d(&env, 1e-9, x, y, a, a);
            else if (how == 1)
                plain_ger_d(1e-9, x, y, a, a);
            else
                library_ger_d(&env, 1e-9, x, y, a);
        const double elapsed = (now() - start) / (double)calls * 1e9;
        best = elapsed < best ? elapsed : best;
    }
    return best;
}
