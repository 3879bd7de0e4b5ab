/* Acceptance of a linked BLAS, and the object that hands out its addresses.
 *
 * As a program (PROBE_MAIN): link, run, compare numbers, print one line about the library. Its integers have
 * 64 bits and small values, so that a little-endian library of either width reads them right. As a shared
 * object: the table of addresses.
 */
#ifdef PROBE_MAIN
#define BLAS_INT64
#endif
#include "fortran_blas.h"

#define DECLARE(name) extern void BLAS_SYMBOL(name)(void);
BLAS_ROUTINES(DECLARE)

#define ADDRESS(name) (void *)BLAS_SYMBOL(name),
extern void *const pytensor_blas_table[];
void *const pytensor_blas_table[] = {BLAS_ROUTINES(ADDRESS)};

#ifdef PROBE_MAIN
#include <stdio.h>

typedef void axpy_fn(const blas_int *n, const void *alpha, const void *x, const blas_int *incx, void *y,
        const blas_int *incy);
extern axpy_fn BLAS_SYMBOL(daxpy);
extern float BLAS_SYMBOL(sdot)(
        const blas_int *n, const float *x, const blas_int *incx, const float *y, const blas_int *incy);

/* A length that is 1 in its low half and negative as a whole: axpy with 64-bit integers returns at once. */
static int integer_bits(void)
{
    const blas_int n = -((blas_int)1 << 32) + 1, one = 1;
    const double alpha = 1.0, x = 2.0;
    double y = 3.0;
    BLAS_SYMBOL(daxpy)(&n, &alpha, &x, &one, &y, &one);
    return y == 5.0 ? 32 : 64;
}

/* c = a b + c for 2 x 2 matrices by columns, and y = a x + y. */
static int right_numbers(void)
{
    const blas_int two = 2, one = 1;
    const double scale = 1.0, a[] = {1, 2, 3, 4}, b[] = {5, 6, 7, 8};
    const float scale_s = 1.0f, as[] = {1, 2, 3, 4}, bs[] = {5, 6, 7, 8};
    double c[] = {1, 1, 1, 1}, y[] = {1, 1};
    float cs[] = {1, 1, 1, 1};
    ((gemm_fn *)pytensor_blas_table[BLAS_dgemm])(
            "N", "T", &two, &two, &two, &scale, a, &two, b, &two, &scale, c, &two);
    ((gemm_fn *)pytensor_blas_table[BLAS_sgemm])(
            "N", "N", &two, &two, &two, &scale_s, as, &two, bs, &two, &scale_s, cs, &two);
    ((gemv_fn *)pytensor_blas_table[BLAS_dgemv])("N", &two, &two, &scale, a, &two, b, &one, &scale, y, &one);
    return c[0] == 27 && c[1] == 39 && c[2] == 31 && c[3] == 45 && cs[0] == 24 && cs[1] == 35 &&
           cs[2] == 32 && cs[3] == 47 && y[0] == 24 && y[1] == 35;
}

/* Accelerate's sdot returns a double, as g77's did: read as a float it is wrong. Nothing here ever calls it;
 * the report says so for others who link the same flags. */
static const char *sdot_returns(void)
{
    const blas_int two = 2, one = 1;
    const float x[] = {1, 2}, y[] = {3, 4};
    return BLAS_SYMBOL(sdot)(&two, x, &one, y, &one) == 11.0f ? "float" : "double";
}

int main(void)
{
    if (!right_numbers())
        return 3;
    printf("pytensor-blas int_bits=%d sdot=%s\n", integer_bits(), sdot_returns());
    return 0;
}
#endif
