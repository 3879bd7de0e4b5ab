/* One element type of harness.c. */
#include "loops.c"
#include "gemv.c"
#include "gemm.c"
#include "syrk.c"
#include "ger.c"
#include "batched_gemm.c"

int NAME(test_gemm)(void *const *routines, const REAL *alpha, const matrix_view *x, const matrix_view *y,
        const REAL *beta, const matrix_view *z)
{
    const blas_env env = {routines, test_scratch, NULL};
    return finish(NAME(gemm)(&env, *alpha, x, y, *beta, z));
}

int NAME(test_gemv)(void *const *routines, const REAL *alpha, const matrix_view *a, const vector_view *x,
        const REAL *beta, const vector_view *y)
{
    const blas_env env = {routines, test_scratch, NULL};
    return finish(NAME(gemv)(&env, *alpha, a, x, *beta, y));
}

int NAME(test_syrk)(void *const *routines, const int *hermitian, const REAL *alpha, const matrix_view *x,
        const REAL *beta, const matrix_view *old, const matrix_view *z)
{
    const blas_env env = {routines, test_scratch, NULL};
    return finish(NAME(syrk)(&env, *hermitian, *alpha, x, *beta, old, z));
}

int NAME(test_ger)(void *const *routines, const REAL *alpha, const vector_view *x, const vector_view *y,
        const matrix_view *a, const matrix_view *z)
{
    const blas_env env = {routines, test_scratch, NULL};
    return finish(NAME(ger)(&env, *alpha, x, y, a, z));
}

int NAME(test_batched)(void *const *routines, const REAL *alpha, const matrix_view *x, const matrix_view *y,
        const REAL *beta, const matrix_view *z, const gemm_batch *batch)
{
    const blas_env env = {routines, test_scratch, NULL};
    return finish(NAME(batched_gemm)(&env, *alpha, x, y, *beta, z, batch));
}
