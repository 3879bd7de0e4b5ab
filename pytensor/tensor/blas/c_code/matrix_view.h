/* Strided matrices and vectors, and how BLAS may read them.
 *
 * BLAS knows a matrix as a pointer, a leading dimension and whether Fortran would call it transposed; a
 * vector as a pointer and an increment. Arrays know any stride: negative, zero, stepped, not a multiple of
 * the element, anything at all on axes of length one. Here the second is classified as the first, once for
 * every routine: used as is, read as a transpose, walked backwards from its other end, or copied once.
 */
#ifndef PYTENSOR_BLAS_MATRIX_VIEW_H
#define PYTENSOR_BLAS_MATRIX_VIEW_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "fortran_blas.h"
#include "element.h"

/* Strides are in bytes. `conj` asks for the complex conjugate of the elements (operands only, never outputs).
 */
typedef struct {
    char *data;
    int64_t rows, cols, row_stride, col_stride;
    bool conj;
} matrix_view;

typedef struct {
    char *data;
    int64_t size, stride;
    bool conj;
} vector_view;

/* Bytes [low, high) that a view may touch. */
typedef struct {
    const char *low, *high;
} byte_range;

BLAS_INLINE int64_t at_least_one(int64_t n)
{
    return n > 1 ? n : 1;
}

BLAS_INLINE matrix_view transposed(const matrix_view *v)
{
    return (matrix_view){v->data, v->cols, v->rows, v->col_stride, v->row_stride, v->conj};
}

/* Rows [i, i + rows) and columns [j, j + cols). */
BLAS_HELPER matrix_view submatrix(const matrix_view *v, int64_t i, int64_t rows, int64_t j, int64_t cols)
{
    matrix_view part = *v;
    part.data += i * v->row_stride + j * v->col_stride;
    part.rows = rows;
    part.cols = cols;
    return part;
}

BLAS_HELPER vector_view subvector(const vector_view *v, int64_t i, int64_t size)
{
    return (vector_view){v->data + i * v->stride, size, v->stride, v->conj};
}

BLAS_HELPER void flip_rows(matrix_view *v)
{
    v->data += (at_least_one(v->rows) - 1) * v->row_stride;
    v->row_stride = -v->row_stride;
}

BLAS_HELPER void flip_cols(matrix_view *v)
{
    v->data += (at_least_one(v->cols) - 1) * v->col_stride;
    v->col_stride = -v->col_stride;
}

BLAS_HELPER void flip(vector_view *v)
{
    v->data += (at_least_one(v->size) - 1) * v->stride;
    v->stride = -v->stride;
}

BLAS_INLINE byte_range matrix_range(const matrix_view *v, int64_t itemsize)
{
    byte_range range = {v->data, v->data};
    if (v->rows <= 0 || v->cols <= 0)
        return range;
    const int64_t down = (v->rows - 1) * v->row_stride, across = (v->cols - 1) * v->col_stride;
    range.low += (down < 0 ? down : 0) + (across < 0 ? across : 0);
    range.high += (down > 0 ? down : 0) + (across > 0 ? across : 0) + itemsize;
    return range;
}

BLAS_INLINE byte_range vector_range(const vector_view *v, int64_t itemsize)
{
    const matrix_view column = {v->data, v->size, 1, v->stride, 0, false};
    return matrix_range(&column, itemsize);
}

BLAS_INLINE bool overlap(byte_range a, byte_range b)
{
    return a.low < b.high && b.low < a.high;
}

/* Elements of 4, 8 (double or complex float) or 16 bytes need no more alignment than their real part. */
BLAS_INLINE bool is_aligned(const char *data, int64_t itemsize, bool is_complex)
{
    return (uintptr_t)data % (uintptr_t)(is_complex ? itemsize / 2 : itemsize) == 0;
}

/* Can `stride` be BLAS's leading dimension over contiguous runs of `run` elements? */
BLAS_INLINE bool is_leading_dimension(int64_t stride, int64_t run, int64_t itemsize)
{
    return stride % itemsize == 0 && stride / itemsize >= at_least_one(run) &&
           stride / itemsize <= BLAS_INT_LIMIT;
}

/* Stored by columns, as Fortran does? Sets the leading dimension. */
BLAS_INLINE bool is_by_columns(const matrix_view *v, int64_t itemsize, bool is_complex, blas_int *ld)
{
    const int64_t stride = v->cols <= 1 ? at_least_one(v->rows) * itemsize : v->col_stride;
    if (!is_aligned(v->data, itemsize, is_complex) || (v->rows > 1 && v->row_stride != itemsize) ||
            !is_leading_dimension(stride, v->rows, itemsize))
        return false;
    *ld = (blas_int)(stride / itemsize);
    return true;
}

/* 'N': stored by columns. 'T': stored by rows, Fortran sees the transpose. 0: BLAS cannot read it. */
BLAS_INLINE char matrix_layout(const matrix_view *v, int64_t itemsize, bool is_complex, blas_int *ld)
{
    const matrix_view t = transposed(v);
    if (is_by_columns(v, itemsize, is_complex, ld))
        return 'N';
    return is_by_columns(&t, itemsize, is_complex, ld) ? 'T' : 0;
}

/* Can BLAS walk this vector? Sets its increment; zero increments are not trusted to any library. */
BLAS_INLINE bool vector_increment(const vector_view *v, int64_t itemsize, bool is_complex, blas_int *inc)
{
    if (!is_aligned(v->data, itemsize, is_complex))
        return false;
    *inc = 1;
    if (v->size <= 1)
        return true;
    const int64_t step = v->stride / itemsize;
    if (v->stride % itemsize != 0 || step == 0 || step > BLAS_INT_LIMIT || step < -(int64_t)BLAS_INT_LIMIT)
        return false;
    *inc = (blas_int)step;
    return true;
}

/* BLAS wants the lowest address of a vector that it walks backwards. */
BLAS_INLINE char *vector_start(const vector_view *v)
{
    return v->stride < 0 ? v->data + (at_least_one(v->size) - 1) * v->stride : v->data;
}

/* Copy one line of elements between two strides. The sizes are spelled out so that each becomes plain moves.
 */
BLAS_OUTLINE void copy_line(
        char *dst, int64_t dst_stride, const char *src, int64_t src_stride, int64_t n, int64_t itemsize)
{
    if (dst_stride == itemsize && src_stride == itemsize) {
        memcpy(dst, src, (size_t)(n * itemsize));
    } else if (itemsize == 4) {
        for (int64_t i = 0; i < n; i++)
            memcpy(dst + i * dst_stride, src + i * src_stride, 4);
    } else if (itemsize == 8) {
        for (int64_t i = 0; i < n; i++)
            memcpy(dst + i * dst_stride, src + i * src_stride, 8);
    } else {
        for (int64_t i = 0; i < n; i++)
            memcpy(dst + i * dst_stride, src + i * src_stride, 16);
    }
}

BLAS_OUTLINE void conjugate_vector(const vector_view *v, int64_t itemsize)
{
    for (int64_t i = 0; i < v->size; i++) {
        char *imaginary = v->data + i * v->stride + itemsize / 2;
        if (itemsize == 8)
            store_s(imaginary, -load_s(imaginary));
        else
            store_d(imaginary, -load_d(imaginary));
    }
}

BLAS_HELPER void conjugate_line(char *line, int64_t n, int64_t itemsize)
{
    const vector_view v = {line, n, itemsize, false};
    conjugate_vector(&v, itemsize);
}

enum { COPY_TILE = 32 };

/* dst <- src for equal shapes, in tiles so that a transposing copy does not miss the cache on every element.
 */
BLAS_OUTLINE void copy_matrix(const matrix_view *dst, const matrix_view *src, int64_t itemsize)
{
    const bool by_rows =
            dst->row_stride == 0 || (dst->col_stride >= -itemsize && dst->col_stride <= itemsize);
    const matrix_view to = by_rows ? *dst : transposed(dst), from = by_rows ? *src : transposed(src);
    const bool straight = to.col_stride == itemsize && from.col_stride == itemsize;
    const int64_t tile = straight ? at_least_one(to.cols) : COPY_TILE;
    for (int64_t j = 0; j < to.cols; j += tile) {
        const int64_t width = to.cols - j < tile ? to.cols - j : tile;
        for (int64_t i = 0; i < to.rows; i++)
            copy_line(to.data + i * to.row_stride + j * to.col_stride, to.col_stride,
                    from.data + i * from.row_stride + j * from.col_stride, from.col_stride, width, itemsize);
    }
}

/* A packed copy of `src` in `buffer`, rows contiguous, conjugated if `src` asks for it. */
BLAS_OUTLINE matrix_view packed_copy(const matrix_view *src, char *buffer, int64_t itemsize)
{
    const matrix_view packed = {
            buffer, src->rows, src->cols, at_least_one(src->cols) * itemsize, itemsize, false};
    copy_matrix(&packed, src, itemsize);
    if (src->conj)
        conjugate_line(buffer, src->rows * src->cols, itemsize);
    return packed;
}

BLAS_OUTLINE vector_view packed_vector(const vector_view *src, char *buffer, int64_t itemsize)
{
    copy_line(buffer, itemsize, src->data, src->stride, src->size, itemsize);
    if (src->conj)
        conjugate_line(buffer, src->size, itemsize);
    return (vector_view){buffer, src->size, itemsize, false};
}

/* Room for a packed copy, rounded up so that the next one starts on a cache line. */
BLAS_HELPER int64_t packed_bytes(int64_t elements, int64_t itemsize)
{
    return (elements * itemsize + 63) / 64 * 64;
}

#endif
