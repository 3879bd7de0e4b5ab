/* A slow BLAS with faults on demand, to be linked through blas__ldflags or put into the table of routines.
 *
 * MULTIPLIES_BY_ZERO: old outputs are multiplied by beta = 0, so NaN survives.
 * SDOT_RETURNS_DOUBLE: the fault of Accelerate. WRONG: products are off by one.
 * BLAS_INT64, BLAS_PREFIX, BLAS_SUFFIX: other integers, other names. CRASHES: gemm does.
 */
#include <stdlib.h>
#include "element.h"

static int letter(const char *trans, char upper)
{
    return *trans == upper || *trans == upper + 'a' - 'A';
}

#define ELEMENT s
#include "mock_body.c"
#undef ELEMENT
#define ELEMENT d
#include "mock_body.c"
#undef ELEMENT
#define ELEMENT c
#include "mock_body.c"
#undef ELEMENT
#define ELEMENT z
#include "mock_body.c"
#undef ELEMENT

#define GER(name, letter, conj)                                                                              \
    void BLAS_SYMBOL(name)(const blas_int *m, const blas_int *n, const element_##letter *alpha,              \
            const element_##letter *x, const blas_int *incx, const element_##letter *y,                      \
            const blas_int *incy, element_##letter *a, const blas_int *lda)                                  \
    {                                                                                                        \
        rank_one_##letter(m, n, *alpha, x, incx, y, incy, a, lda, conj);                                     \
    }
GER(sger, s, 0)
GER(dger, d, 0)
GER(cgeru, c, 0)
GER(zgeru, z, 0)
GER(cgerc, c, 1)
GER(zgerc, z, 1)

#define STUB(name)                                                                                           \
    void BLAS_SYMBOL(name)(void)                                                                             \
    {                                                                                                        \
    }
STUB(cherk)
STUB(zherk)
STUB(ssymm)
STUB(dsymm)
STUB(csymm)
STUB(zsymm)
STUB(strmm)
STUB(dtrmm)
STUB(ctrmm)
STUB(ztrmm)
STUB(strsm)
STUB(dtrsm)
STUB(ctrsm)
STUB(ztrsm)

#ifdef SDOT_RETURNS_DOUBLE
#define SDOT_RESULT double
#else
#define SDOT_RESULT float
#endif
SDOT_RESULT BLAS_SYMBOL(sdot)(
        const blas_int *n, const float *x, const blas_int *incx, const float *y, const blas_int *incy)
{
    float sum = 0;
    for (blas_int i = 0; i < *n; i++)
        sum += x[i * *incx] * y[i * *incy];
    return sum;
}

void BLAS_SYMBOL(daxpy)(const blas_int *n, const double *alpha, const double *x, const blas_int *incx,
        double *y, const blas_int *incy)
{
    for (blas_int i = 0; i < *n; i++)
        y[i * *incy] += *alpha * x[i * *incx];
}
