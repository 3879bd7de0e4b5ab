/* A matrix times a vector by loops of our own, while the matrix lies in the first-level cache: there a
 * library call costs as much as the product (benchmarks/blas_helpers).
 *
 * Two loops, for a vector times contiguous rows and for contiguous rows times a vector. Both keep four vector
 * registers of sums. What is left over of a row is read together with elements that were read before, so no
 * loop ends in single elements.
 */
#include "matrix_view.h"

#ifndef ELEMENT /* compiled alone; a unit defines ELEMENT and lists the files it needs */
#define ELEMENT d
#include "loops.c"
#endif

#ifndef PYTENSOR_BLAS_OWN_ROWS
#define PYTENSOR_BLAS_OWN_ROWS
/* Bytes of the largest matrix, and the most results. */
#ifndef BLAS_OWN_BYTES
#define BLAS_OWN_BYTES 32768
#endif
enum { OWN_RESULTS = 1024 };
#define OWN_ROWS_s 1
#define OWN_ROWS_d 1
#define OWN_ROWS_c 0
#define OWN_ROWS_z 0
#if defined(__GNUC__)
typedef char row_bytes __attribute__((vector_size(64)));
#endif
#endif

#if defined(SWAPPED_s) && BLAS_JOIN(OWN_ROWS_, ELEMENT)
#define HAS_OWN_ROWS 1
#define ROW_LANES (64 / (int64_t)sizeof(REAL))
typedef REAL NAME(four) __attribute__((vector_size(4 * sizeof(REAL))));

/* out <- x a for columns [j, j + 4 lanes). */
BLAS_INLINE void NAME(sum_wide)(
        const char *x, int64_t x_stride, const char *a, int64_t a_stride, int64_t m, char *out)
{
    const size_t width = sizeof(NAME(lanes));
    NAME(lanes) s0 = {0}, s1 = {0}, s2 = {0}, s3 = {0}, v;
    REAL u;
    for (int64_t i = 0; i < m; i++, x += x_stride, a += a_stride) {
        memcpy(&u, x, sizeof u);
        memcpy(&v, a, width), s0 += u * v;
        memcpy(&v, a + width, width), s1 += u * v;
        memcpy(&v, a + 2 * width, width), s2 += u * v;
        memcpy(&v, a + 3 * width, width), s3 += u * v;
    }
    memcpy(out, &s0, width), memcpy(out + width, &s1, width);
    memcpy(out + 2 * width, &s2, width), memcpy(out + 3 * width, &s3, width);
}

/* The same for one register of columns; four rows at a time, for no addition to wait for the last one. */
BLAS_INLINE void NAME(sum_narrow)(
        const char *x, int64_t x_stride, const char *a, int64_t a_stride, int64_t m, char *out)
{
    const size_t width = sizeof(NAME(lanes));
    NAME(lanes) s0 = {0}, s1 = {0}, s2 = {0}, s3 = {0}, v;
    REAL u;
    for (; m >= 4; m -= 4, x += 4 * x_stride, a += 4 * a_stride) {
        memcpy(&u, x, sizeof u), memcpy(&v, a, width), s0 += u * v;
        memcpy(&u, x + x_stride, sizeof u), memcpy(&v, a + a_stride, width), s1 += u * v;
        memcpy(&u, x + 2 * x_stride, sizeof u), memcpy(&v, a + 2 * a_stride, width), s2 += u * v;
        memcpy(&u, x + 3 * x_stride, sizeof u), memcpy(&v, a + 3 * a_stride, width), s3 += u * v;
    }
    for (; m > 0; m--, x += x_stride, a += a_stride)
        memcpy(&u, x, sizeof u), memcpy(&v, a, width), s0 += u * v;
    s0 = (s0 + s1) + (s2 + s3);
    memcpy(out, &s0, width);
}

/* out <- x a for m rows of n contiguous elements, at least a register of them. */
BLAS_LOOPS void NAME(row_sums)(
        const char *x, int64_t x_stride, const char *a, int64_t a_stride, int64_t m, int64_t n, char *out)
{
    const int64_t itemsize = (int64_t)sizeof(REAL);
    int64_t j = 0;
    for (; j + 4 * ROW_LANES <= n; j += 4 * ROW_LANES)
        NAME(sum_wide)(x, x_stride, a + j * itemsize, a_stride, m, out + j * itemsize);
    for (; j < n; j += ROW_LANES) {
        if (j + ROW_LANES > n)
            j = n - ROW_LANES;
        NAME(sum_narrow)(x, x_stride, a + j * itemsize, a_stride, m, out + j * itemsize);
    }
}

/* Vectors are handed on by address: as arguments their size would depend on the processor. */
BLAS_INLINE void NAME(fold_lanes)(NAME(four) * sums, const NAME(lanes) * v)
{
    NAME(four) parts[ROW_LANES / 4];
    memcpy(parts, v, sizeof *v);
    for (int64_t i = 1; i < ROW_LANES / 4; i++)
        parts[0] += parts[i];
    *sums = parts[0];
}

/* The sums of the lanes of four registers. */
BLAS_INLINE void NAME(add_four_lanes)(
        char *out, const NAME(lanes) * a, const NAME(lanes) * b, const NAME(lanes) * c, const NAME(lanes) * d)
{
    NAME(four) r0, r1, r2, r3;
    NAME(fold_lanes)(&r0, a), NAME(fold_lanes)(&r1, b), NAME(fold_lanes)(&r2, c), NAME(fold_lanes)(&r3, d);
    const NAME(four) low =
            __builtin_shufflevector(r0, r1, 0, 4, 2, 6) + __builtin_shufflevector(r0, r1, 1, 5, 3, 7);
    const NAME(four) high =
            __builtin_shufflevector(r2, r3, 0, 4, 2, 6) + __builtin_shufflevector(r2, r3, 1, 5, 3, 7);
    const NAME(four) sums =
            __builtin_shufflevector(low, high, 0, 1, 4, 5) + __builtin_shufflevector(low, high, 2, 3, 6, 7);
    memcpy(out, &sums, sizeof sums);
}

/* sum += end times the elements at `row`, as far as `mask` has them. */
BLAS_INLINE void NAME(add_masked)(
        NAME(lanes) * sum, const NAME(lanes) * end, const char *row, const row_bytes *mask)
{
    NAME(lanes) v;
    memcpy(&v, row, sizeof v);
    v *= *end;
    *sum += (NAME(lanes))((row_bytes)v & *mask);
}

/* out <- a x for m >= 4 rows of n contiguous elements, at least a register of them. The elements behind the
 * last whole register are read with those before them; the products of these are masked, not multiplied by
 * zero, for they may be infinite. */
BLAS_LOOPS void NAME(row_dots)(
        const char *a, int64_t a_stride, const char *x, int64_t m, int64_t n, char *out)
{
    const int64_t itemsize = (int64_t)sizeof(REAL), width = (int64_t)sizeof(NAME(lanes));
    const int64_t whole = n / ROW_LANES * width, rest = n * itemsize - whole, last = n * itemsize - width;
    row_bytes mask = {0};
    NAME(lanes) end, u, v;
    memcpy(&end, x + last, sizeof end);
    memset((char *)&mask + width - rest, 255, (size_t)rest);
    for (int64_t i = 0; i < m; i += 4) {
        if (i + 4 > m)
            i = m - 4;
        const char *row = a + i * a_stride;
        NAME(lanes) s0 = {0}, s1 = {0}, s2 = {0}, s3 = {0};
        for (int64_t j = 0; j < whole; j += width) {
            memcpy(&u, x + j, sizeof u);
            memcpy(&v, row + j, sizeof v), s0 += u * v;
            memcpy(&v, row + j + a_stride, sizeof v), s1 += u * v;
            memcpy(&v, row + j + 2 * a_stride, sizeof v), s2 += u * v;
            memcpy(&v, row + j + 3 * a_stride, sizeof v), s3 += u * v;
        }
        if (rest) {
            row += last;
            NAME(add_masked)(&s0, &end, row, &mask);
            NAME(add_masked)(&s1, &end, row + a_stride, &mask);
            NAME(add_masked)(&s2, &end, row + 2 * a_stride, &mask);
            NAME(add_masked)(&s3, &end, row + 3 * a_stride, &mask);
        }
        NAME(add_four_lanes)(out + i * itemsize, &s0, &s1, &s2, &s3);
    }
}

/* y <- alpha sums + beta y. */
BLAS_LOOPS void NAME(finish_sums)(REAL alpha, const char *sums, REAL beta, const vector_view *y)
{
    for (int64_t i = 0; i < y->size; i++)
        NAME(accumulate)
    (y->data + i * y->stride, alpha, NAME(load)(sums + i * (int64_t)sizeof(REAL)), beta);
}

BLAS_LOOPS void NAME(subtract_line)(char *z, const char *sums, REAL scale, int64_t n)
{
    const int64_t itemsize = (int64_t)sizeof(REAL);
    for (int64_t i = 0; i < n; i++) {
        const REAL left = NAME(load)(z + i * itemsize) - NAME(load)(sums + i * itemsize);
        NAME(store)(z + i * itemsize, left * scale);
    }
}
#else
#define HAS_OWN_ROWS 0
#endif

/* Is this matrix small enough for loops of our own, with rows long enough? */
BLAS_INLINE bool NAME(has_own_rows)(int64_t rows, int64_t cols)
{
#if HAS_OWN_ROWS
    return cols >= ROW_LANES && rows * cols <= BLAS_OWN_BYTES / (int64_t)sizeof(REAL);
#else
    (void)rows, (void)cols;
    return false;
#endif
}

/* Are the loops here the fastest way to a x? */
BLAS_INLINE bool NAME(has_own_product)(const matrix_view *a, const vector_view *x)
{
    const int64_t itemsize = (int64_t)sizeof(REAL);
    if (a->rows > OWN_RESULTS)
        return false;
    if (a->row_stride == itemsize)
        return NAME(has_own_rows)(a->cols, a->rows);
    return a->col_stride == itemsize && x->stride == itemsize && a->rows >= 4 &&
           NAME(has_own_rows)(a->rows, a->cols);
}

/* y <- alpha a x + beta y, if has_own_product; y shares no memory with the others. */
BLAS_HELPER void NAME(own_product)(
        REAL alpha, const matrix_view *a, const vector_view *x, REAL beta, const vector_view *y)
{
#if HAS_OWN_ROWS
    const int64_t itemsize = (int64_t)sizeof(REAL);
    char aside[OWN_RESULTS * sizeof(REAL)];
    const bool direct = alpha == 1 && beta == 0 && y->stride == itemsize;
    char *const sums = direct ? y->data : aside;
    if (a->row_stride == itemsize)
        NAME(row_sums)(x->data, x->stride, a->data, a->col_stride, a->cols, a->rows, sums);
    else
        NAME(row_dots)(a->data, a->row_stride, x->data, a->rows, a->cols, sums);
    if (!direct)
        NAME(finish_sums)(alpha, sums, beta, y);
#else
    (void)alpha, (void)a, (void)x, (void)beta, (void)y;
#endif
}

/* z <- (z - x a) scale for a line z of contiguous elements, if has_own_rows says so of a, whose columns
 * number at most OWN_RESULTS. */
BLAS_HELPER void NAME(subtract_rows)(
        char *z, const char *x, int64_t x_stride, const matrix_view *a, REAL scale)
{
#if HAS_OWN_ROWS
    char sums[OWN_RESULTS * sizeof(REAL)];
    NAME(row_sums)(x, x_stride, a->data, a->row_stride, a->rows, a->cols, sums);
    NAME(subtract_line)(z, sums, scale, a->cols);
#else
    (void)z, (void)x, (void)x_stride, (void)a, (void)scale;
#endif
}

#undef HAS_OWN_ROWS
#undef ROW_LANES
