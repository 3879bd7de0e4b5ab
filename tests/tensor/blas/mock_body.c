/* The routines of mock_blas.c for one element type, straight from their definition. */

static REAL NAME(conjugate)(REAL v)
{
    REAL out = v;
    if (IS_COMPLEX) {
        const size_t half = sizeof(REAL) / 2;
        NAME(part) imaginary;
        memcpy(&imaginary, (char *)&out + half, half);
        imaginary = -imaginary;
        memcpy((char *)&out + half, &imaginary, half);
    }
    return out;
}

/* Element (i, j) of op(a). */
static REAL NAME(element_of)(const char *trans, const REAL *a, blas_int ld, blas_int i, blas_int j)
{
    if (letter(trans, 'N'))
        return a[i + j * ld];
    return letter(trans, 'C') ? NAME(conjugate)(a[j + i * ld]) : a[j + i * ld];
}

static void NAME(finish)(REAL *z, REAL alpha, REAL sum, REAL beta)
{
    REAL value = NAME(mul)(alpha, sum);
#ifdef WRONG
    value = NAME(add)(value, NAME(real)(1.0));
#endif
#ifndef MULTIPLIES_BY_ZERO
    if (!NAME(equals)(beta, 0.0))
#endif
        value = NAME(add)(value, NAME(mul)(beta, *z));
    *z = value;
}

/* Libraries may use instructions that need aligned elements: this one refuses to work without. */
static int NAME(aligned)(const REAL *a, const REAL *b, const REAL *c)
{
    return ((uintptr_t)a | (uintptr_t)b | (uintptr_t)c) % sizeof(NAME(part)) == 0;
}

void BLAS_SYMBOL(BLAS_JOIN(ELEMENT, gemm))(const char *transa, const char *transb, const blas_int *m,
        const blas_int *n, const blas_int *k, const REAL *alpha, const REAL *a, const blas_int *lda,
        const REAL *b, const blas_int *ldb, const REAL *beta, REAL *c, const blas_int *ldc)
{
    if (!NAME(aligned)(a, b, c))
        return;
#ifdef CRASHES
    abort();
#endif
    for (blas_int i = 0; i < *m; i++)
        for (blas_int j = 0; j < *n; j++) {
            REAL sum = NAME(real)(0.0);
            for (blas_int l = 0; l < *k; l++)
                sum = NAME(add)(sum, NAME(mul)(NAME(element_of)(transa, a, *lda, i, l),
                                             NAME(element_of)(transb, b, *ldb, l, j)));
            NAME(finish)(c + i + j * *ldc, *alpha, sum, *beta);
        }
}

void BLAS_SYMBOL(BLAS_JOIN(ELEMENT, gemv))(const char *trans, const blas_int *m, const blas_int *n,
        const REAL *alpha, const REAL *a, const blas_int *lda, const REAL *x, const blas_int *incx,
        const REAL *beta, REAL *y, const blas_int *incy)
{
    const blas_int rows = letter(trans, 'N') ? *m : *n, cols = letter(trans, 'N') ? *n : *m;
    if (!NAME(aligned)(a, x, y))
        return;
    const REAL *const x0 = *incx < 0 ? x - (cols - 1) * *incx : x;
    REAL *const y0 = *incy < 0 ? y - (rows - 1) * *incy : y;
    for (blas_int i = 0; i < rows; i++) {
        REAL sum = NAME(real)(0.0);
        for (blas_int j = 0; j < cols; j++)
            sum = NAME(add)(sum, NAME(mul)(NAME(element_of)(trans, a, *lda, i, j), x0[j * *incx]));
        NAME(finish)(y0 + i * *incy, *alpha, sum, *beta);
    }
}

/* The first element of a vector: BLAS points to the other end if the step is negative. */
static const REAL *NAME(start)(const REAL *x, blas_int n, blas_int step)
{
    return step < 0 ? x - (n - 1) * step : x;
}

static void NAME(rank_one)(const blas_int *m, const blas_int *n, REAL alpha, const REAL *x,
        const blas_int *incx, const REAL *y, const blas_int *incy, REAL *a, const blas_int *lda, int conj)
{
    x = NAME(start)(x, *m, *incx);
    y = NAME(start)(y, *n, *incy);
    for (blas_int j = 0; j < *n; j++)
        for (blas_int i = 0; i < *m; i++) {
            const REAL right = conj ? NAME(conjugate)(y[j * *incy]) : y[j * *incy];
            REAL *const z = a + i + j * *lda;
            *z = NAME(add)(*z, NAME(mul)(alpha, NAME(mul)(x[i * *incx], right)));
        }
}

void BLAS_SYMBOL(BLAS_JOIN(ELEMENT, syrk))(const char *uplo, const char *trans, const blas_int *n,
        const blas_int *k, const REAL *alpha, const REAL *a, const blas_int *lda, const REAL *beta, REAL *c,
        const blas_int *ldc)
{
    const char *const other = letter(trans, 'N') ? "T" : "N";
    for (blas_int j = 0; j < *n; j++)
        for (blas_int i = 0; i < *n; i++) {
            if (letter(uplo, 'U') ? i > j : i < j)
                continue;
            REAL sum = NAME(real)(0.0);
            for (blas_int l = 0; l < *k; l++)
                sum = NAME(add)(sum, NAME(mul)(NAME(element_of)(trans, a, *lda, i, l),
                                             NAME(element_of)(other, a, *lda, l, j)));
            NAME(finish)(c + i + j * *ldc, *alpha, sum, *beta);
        }
}
