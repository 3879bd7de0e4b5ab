/* Products of integers, exact modulo 2^bits as in NumPy; no BLAS has them.
 *
 * Included once per width: T is the unsigned type of the elements (two's complement wraps alike for signed
 * ones), WIDE one that multiplies without promotion to int.
 */
#include "batch.h"

#ifndef T /* compiled alone */
#define T uint64_t
#define WIDE uint64_t
#define INT_SUFFIX u64
#endif

#define INT_NAME(function) BLAS_JOIN(BLAS_JOIN(function, _), INT_SUFFIX)
#define INT_ADD(sum, x, y) ((T)((WIDE)(sum) + (WIDE)(x) * (WIDE)(y)))

/* z += four rows of y, each times a number. */
BLAS_LOOPS void INT_NAME(add_four_rows)(
        T *restrict z, const T a[4], const T *restrict y, int64_t row, int64_t n)
{
    const T *const y1 = y + row, *const y2 = y1 + row, *const y3 = y2 + row;
    for (int64_t j = 0; j < n; j++) {
        T sum = INT_ADD(z[j], a[0], y[j]);
        sum = INT_ADD(sum, a[1], y1[j]);
        sum = INT_ADD(sum, a[2], y2[j]);
        z[j] = INT_ADD(sum, a[3], y3[j]);
    }
}

BLAS_LOOPS void INT_NAME(add_row)(T *restrict z, T a, const T *restrict y, int64_t n)
{
    for (int64_t j = 0; j < n; j++)
        z[j] = INT_ADD(z[j], a, y[j]);
}

BLAS_LOOPS T INT_NAME(dot_rows)(const T *x, const T *y, int64_t n)
{
    T sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum = INT_ADD(sum, x[i], y[i]);
    return sum;
}

BLAS_LOOPS void INT_NAME(pack)(T *to, const matrix_view *v)
{
    for (int64_t i = 0; i < v->rows; i++) {
        const char *from = v->data + i * v->row_stride;
        for (int64_t j = 0; j < v->cols; j++, from += v->col_stride, to++)
            memcpy(to, from, sizeof *to);
    }
}

/* z <- x y for packed matrices: rows [first, first + count) of y, which stay in the cache, for all rows of z.
 */
BLAS_OUTLINE void INT_NAME(multiply_block)(
        const T *x, const T *y, T *z, const int64_t shape[3], int64_t first, int64_t count)
{
    const int64_t m = shape[0], k = shape[1], n = shape[2];
    for (int64_t i = 0; i < m; i++) {
        const T *const row = x + i * k + first;
        int64_t l = 0;
        for (; l + 4 <= count; l += 4)
            INT_NAME(add_four_rows)(z + i * n, row + l, y + (first + l) * n, n, n);
        for (; l < count; l++)
            INT_NAME(add_row)(z + i * n, row[l], y + (first + l) * n, n);
    }
}

/* z <- x y for packed x (m, k) and z (m, n); y is packed (k, n), or (n, k) if it was transposed. */
BLAS_OUTLINE void INT_NAME(int_gemm)(const T *x, const T *y, bool transposed_y, T *z, const int64_t shape[3])
{
    const int64_t m = shape[0], k = shape[1], n = shape[2];
    if (transposed_y) {
        for (int64_t i = 0; i < m; i++)
            for (int64_t j = 0; j < n; j++)
                z[i * n + j] = INT_NAME(dot_rows)(x + i * k, y + j * k, k);
        return;
    }
    memset(z, 0, (size_t)(m * n) * sizeof(T));
    const int64_t rows_in_cache = 128 * 1024 / at_least_one(n * (int64_t)sizeof(T)) / 4 * 4;
    const int64_t step = rows_in_cache < 4 ? 4 : rows_in_cache;
    for (int64_t l = 0; l < k; l += step)
        INT_NAME(multiply_block)(x, y, z, shape, l, k - l < step ? k - l : step);
}
