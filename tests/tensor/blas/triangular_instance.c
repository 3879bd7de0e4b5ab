/* One element type of triangular_harness.c. */
#include "loops.c"
#include "triangle_loops.c"
#include "gemv.c"
#include "gemm.c"
#include "trsm.c"
#include "trmm.c"

int NAME(test_trsm)(void *const *routines, int lower, int unit, const matrix_view *a, const matrix_view *z)
{
    const blas_env env = {.routines = routines, .scratch = test_scratch};
    const triangle_view t = {*a, lower, unit};
    if (NAME(is_singular)(&t)) {
        NAME(fill_matrix)(NAME(real)(__builtin_nan("")), z);
        return 0;
    }
    return finish(NAME(solve_triangle)(&env, &t, z));
}

int NAME(test_trmm)(void *const *routines, int lower, int zeroed, const REAL *alpha, const matrix_view *a,
        const matrix_view *x, const REAL *beta, const matrix_view *z)
{
    const blas_env env = {.routines = routines, .scratch = test_scratch};
    const triangle_view t = {*a, lower, false};
    return finish(NAME(trmm)(&env, *alpha, &t, zeroed, x, *beta, z));
}
