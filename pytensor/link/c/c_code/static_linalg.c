/* Factorizations of small matrices in C order, for loops over arrays of known shapes. Included once per type
   with T and PT_SUFFIX; n is a constant where these are called, so that they are inlined and unrolled. They
   return 0 where LAPACK would say that something is wrong: the caller leaves that to it. */
#include "glue.h"
#include "libm.h"
#include "static.h"

#ifndef PT_SUFFIX
#define PT_ALONE
#define T double
#define PT_SUFFIX f64
#endif

/* Small loops with known bounds vanish, and with them the arrays. */
#define PT_UNROLL _Pragma("GCC unroll 8")
#define PT_NAME(f) PT_GLUE(f, PT_SUFFIX)
#ifdef PT_SINGLE
#define PT_SQRT sqrtf
#define PT_ABS fabsf
#define PT_TINY 1e-4f
#else
#define PT_SQRT sqrt
#define PT_ABS fabs
#define PT_TINY 1e-10
#endif

/* L with L L' = x, of which the lower triangle is read; zeros above. */
PT_UNUSED static inline __attribute__((always_inline)) int PT_NAME(small_cholesky)(T *L, const T *x, int n)
{
    PT_UNROLL
    for (int j = 0; j < n; j++) {
        T d = x[j * n + j];
        PT_UNROLL
        for (int k = 0; k < j; k++)
            d -= L[j * n + k] * L[j * n + k];
        /* Also NaN. */
        if (!(d > 0))
            return 0;
        d = PT_SQRT(d);
        L[j * n + j] = d;
        PT_UNROLL
        for (int i = j + 1; i < n; i++) {
            T s = x[i * n + j];
            PT_UNROLL
            for (int k = 0; k < j; k++)
                s -= L[i * n + k] * L[j * n + k];
            L[i * n + j] = s / d;
            L[j * n + i] = 0;
        }
    }
    return 1;
}

/* z becomes the solution of L z = z; m right-hand sides. */
PT_UNUSED static inline __attribute__((always_inline)) int PT_NAME(small_lower)(
        const T *L, T *z, int n, int m, int unit)
{
    PT_UNROLL
    for (int i = 0; i < n; i++) {
        if (!unit && L[i * n + i] == 0)
            return 0;
        PT_UNROLL
        for (int c = 0; c < m; c++) {
            T s = z[i * m + c];
            PT_UNROLL
            for (int k = 0; k < i; k++)
                s -= L[i * n + k] * z[k * m + c];
            z[i * m + c] = unit ? s : s / L[i * n + i];
        }
    }
    return 1;
}

/* z becomes the solution of U z = z. */
PT_UNUSED static inline __attribute__((always_inline)) int PT_NAME(small_upper)(
        const T *U, T *z, int n, int m, int unit)
{
    PT_UNROLL
    for (int i = n - 1; i >= 0; i--) {
        if (!unit && U[i * n + i] == 0)
            return 0;
        PT_UNROLL
        for (int c = 0; c < m; c++) {
            T s = z[i * m + c];
            PT_UNROLL
            for (int k = i + 1; k < n; k++)
                s -= U[i * n + k] * z[k * m + c];
            z[i * m + c] = unit ? s : s / U[i * n + i];
        }
    }
    return 1;
}

/* Gaussian elimination with partial pivoting of lu, the same steps on the m columns of z, which becomes the
   solution; the determinant's sign comes back in *sign. Pivots that are small beside the largest element of
   the matrix are left to LAPACK. */
PT_UNUSED static inline __attribute__((always_inline)) int PT_NAME(small_solve)(
        T *lu, T *z, int n, int m, T *sign)
{
    T largest = 0;
    *sign = 1;
    PT_UNROLL
    for (int i = 0; i < n * n; i++)
        largest = PT_ABS(lu[i]) > largest ? PT_ABS(lu[i]) : largest;
    PT_UNROLL
    for (int j = 0; j < n; j++) {
        int p = j;
        PT_UNROLL
        for (int i = j + 1; i < n; i++)
            if (PT_ABS(lu[i * n + j]) > PT_ABS(lu[p * n + j]))
                p = i;
        if (!(PT_ABS(lu[p * n + j]) > PT_TINY * largest))
            return 0;
        if (p != j) {
            *sign = -*sign;
            PT_UNROLL
            for (int k = 0; k < n; k++) {
                T t = lu[p * n + k];
                lu[p * n + k] = lu[j * n + k];
                lu[j * n + k] = t;
            }
            PT_UNROLL
            for (int k = 0; k < m; k++) {
                T t = z[p * m + k];
                z[p * m + k] = z[j * m + k];
                z[j * m + k] = t;
            }
        }
        PT_UNROLL
        for (int i = j + 1; i < n; i++) {
            T f = lu[i * n + j] / lu[j * n + j];
            PT_UNROLL
            for (int k = j + 1; k < n; k++)
                lu[i * n + k] -= f * lu[j * n + k];
            PT_UNROLL
            for (int k = 0; k < m; k++)
                z[i * m + k] -= f * z[j * m + k];
        }
    }
    return m ? PT_NAME(small_upper)(lu, z, n, m, 0) : 1;
}

#undef PT_NAME
#undef PT_SQRT
#undef PT_ABS
#undef PT_TINY
#undef PT_UNROLL
#ifdef PT_ALONE
#undef PT_ALONE
#undef T
#undef PT_SUFFIX
#endif
