/* Acceptance of a linked BLAS, and the object that hands out its addresses.
 *
 * As a program (PROBE_MAIN): link, run, compare numbers, print one line about the library. Its integers have
 * 64 bits and small values, so that a little-endian library of either width reads them right. As a shared
 * object: the table of addresses, and a dot product that does not depend on how sdot returns its result.
 */
#ifdef PROBE_MAIN
#define BLAS_INT64
#endif
#include "fortran_blas.h"

#define DECLARE(name) extern void BLAS_SYMBOL(name)(void);
BLAS_ROUTINES(DECLARE)
extern sdot_fn BLAS_SYMBOL(sdot);

#if defined(_WIN32)
#define EXPORTED __declspec(dllexport)
#else
#define EXPORTED __attribute__((visibility("default")))
#endif

#define ADDRESS(name) (void *)BLAS_SYMBOL(name),
extern void *const pytensor_blas_table[];
EXPORTED void *const pytensor_blas_table[] = {BLAS_ROUTINES(ADDRESS)};

/* The only call of a routine that returns a number by value. Its type is decided in fortran_blas.h. */
EXPORTED void pytensor_blas_sdot(const blas_int *n, const float *x, const blas_int *incx, const float *y,
        const blas_int *incy, float *result)
{
    *result = (float)BLAS_SYMBOL(sdot)(n, x, incx, y, incy);
}

#ifdef PROBE_MAIN
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef void axpy_fn(const blas_int *n, const void *alpha, const void *x, const blas_int *incx, void *y,
        const blas_int *incy);
extern axpy_fn BLAS_SYMBOL(daxpy);

#define ROUTINE(type, name) ((type *)pytensor_blas_table[BLAS_##name])

/* A length that is 1 in its low half and negative as a whole: axpy with 64-bit integers returns at once. */
static int integer_bits(void)
{
    const blas_int n = -((blas_int)1 << 32) + 1, one = 1;
    const double alpha = 1.0, x = 2.0;
    double y = 3.0;
    BLAS_SYMBOL(daxpy)(&n, &alpha, &x, &one, &y, &one);
    return y == 5.0 ? 32 : 64;
}

/* Small products by columns: a b' + c, a b + c, a b^H, a x + y, c + x y', a a'. */
static int right_numbers(void)
{
    const blas_int two = 2, one = 1;
    const double scale = 1.0, a[] = {1, 2, 3, 4}, b[] = {5, 6, 7, 8}, unit[] = {1, 0}, none[] = {0, 0};
    const float scale_s = 1.0f, as[] = {1, 2, 3, 4}, bs[] = {5, 6, 7, 8};
    double c[] = {1, 1, 1, 1}, y[] = {1, 1}, g[] = {1, 1, 1, 1}, u[] = {0, 0, 0, 0};
    const double za[] = {1, 2}, zb[] = {3, 4};
    double zc[] = {9, 9};
    float cs[] = {1, 1, 1, 1};
    ROUTINE(gemm_fn, dgemm)("N", "T", &two, &two, &two, &scale, a, &two, b, &two, &scale, c, &two);
    ROUTINE(gemm_fn, sgemm)("N", "N", &two, &two, &two, &scale_s, as, &two, bs, &two, &scale_s, cs, &two);
    ROUTINE(gemm_fn, zgemm)("N", "C", &one, &one, &one, unit, za, &one, zb, &one, none, zc, &one);
    ROUTINE(gemv_fn, dgemv)("N", &two, &two, &scale, a, &two, b, &one, &scale, y, &one);
    ROUTINE(ger_fn, dger)(&two, &two, &scale, a, &one, b, &one, g, &two);
    ROUTINE(syrk_fn, dsyrk)("U", "N", &two, &two, &scale, a, &two, none, u, &two);
    return c[0] == 27 && c[1] == 39 && c[2] == 31 && c[3] == 45 && cs[0] == 24 && cs[1] == 35 &&
           cs[2] == 32 && cs[3] == 47 && y[0] == 24 && y[1] == 35 && zc[0] == 11 && zc[1] == 2 && g[0] == 6 &&
           g[1] == 11 && g[2] == 7 && g[3] == 13 && u[0] == 10 && u[2] == 14 && u[3] == 20;
}

/* Whether old NaN get through although beta is 0: small and larger products of zeros, one element type. */
static int lets_nan_through(gemm_fn *gemm, gemv_fn *gemv, const void *one_alpha, size_t size)
{
    enum { LARGE = 40 };
    static char zeros[LARGE * LARGE * 16], old[LARGE * LARGE * 16];
    const blas_int sizes[] = {2, LARGE}, one = 1;
    for (int i = 0; i < 2; i++) {
        const blas_int n = sizes[i];
        const size_t bytes = (size_t)(n * n) * size;
        memset(old, 0xff, bytes); /* NaN everywhere */
        gemm("N", "N", &n, &n, &n, one_alpha, zeros, &n, zeros, &n, zeros, old, &n);
        for (size_t k = 0; k < bytes; k++)
            if (old[k] != 0)
                return 1;
        memset(old, 0xff, bytes);
        gemv("N", &n, &n, one_alpha, zeros, &n, zeros, &one, zeros, old, &one);
        for (size_t k = 0; k < (size_t)n * size; k++)
            if (old[k] != 0)
                return 1;
    }
    return 0;
}

static int reads_old_output(void)
{
    const float one_s[] = {1, 0};
    const double one_d[] = {1, 0};
    return lets_nan_through(ROUTINE(gemm_fn, sgemm), ROUTINE(gemv_fn, sgemv), one_s, 4) ||
           lets_nan_through(ROUTINE(gemm_fn, dgemm), ROUTINE(gemv_fn, dgemv), one_d, 8) ||
           lets_nan_through(ROUTINE(gemm_fn, cgemm), ROUTINE(gemv_fn, cgemv), one_s, 8) ||
           lets_nan_through(ROUTINE(gemm_fn, zgemm), ROUTINE(gemv_fn, zgemv), one_d, 16);
}

typedef double double_sdot_fn(
        const blas_int *n, const float *x, const blas_int *incx, const float *y, const blas_int *incy);

/* Accelerate's sdot returns a double, as g77's did: read as a float it is wrong. */
static const char *sdot_returns(void)
{
    const blas_int two = 2, one = 1;
    const float x[] = {1, 2}, y[] = {3, 4};
    float result = 0;
    pytensor_blas_sdot(&two, x, &one, y, &one, &result);
    if (result == 11.0f)
        return "float";
    double_sdot_fn *const sdot = (double_sdot_fn *)(void (*)(void))BLAS_SYMBOL(sdot);
    return sdot(&two, x, &one, y, &one) == 11.0 ? "double" : NULL;
}

static double now(void)
{
    struct timespec time;
    timespec_get(&time, TIME_UTC);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* The best time of a 256 x 256 product within a twentieth of a second. */
static double gemm_seconds(void)
{
    enum { SIZE = 256 };
    const blas_int n = SIZE;
    const double one = 1.0, zero = 0.0;
    double *const a = malloc(3 * sizeof(double) * SIZE * SIZE), best = 1e9;
    const double began = now();
    if (!a)
        return best;
    for (int i = 0; i < 3 * SIZE * SIZE; i++)
        a[i] = (double)(i % 17) - 8.0;
    for (int calls = 0; calls < 2 || now() - began < 0.05; calls++) {
        const double start = now();
        ROUTINE(gemm_fn, dgemm)
        ("N", "N", &n, &n, &n, &one, a, &n, a + SIZE * SIZE, &n, &zero, a + 2 * SIZE * SIZE, &n);
        const double took = now() - start;
        if (calls && took < best)
            best = took;
    }
    free(a);
    return best;
}

int main(void)
{
    const char *const sdot = right_numbers() ? sdot_returns() : NULL;
    if (!sdot)
        return 3;
    printf("pytensor-blas int_bits=%d sdot=%s zero_first=%d seconds=%.9f\n", integer_bits(), sdot,
            reads_old_output(), gemm_seconds());
    return 0;
}
#endif
