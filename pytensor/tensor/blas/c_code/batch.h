/* Batches of products of equal shapes: which matrices they multiply, and in what order they are walked. */
#ifndef PYTENSOR_BLAS_BATCH_H
#define PYTENSOR_BLAS_BATCH_H

#include "gemm_plan.h"

enum { BATCH_AXES = 64 }; /* NumPy's limit */

/* The strides, in bytes, from one product's matrices to the next one's; 0 where an operand is broadcast. */
typedef struct {
    int64_t size, x, y, z;
} batch_axis;

typedef struct {
    int64_t ndim;
    batch_axis axis[BATCH_AXES];
} gemm_batch;

/* Where one product is: what to add to the addresses of the first. */
typedef struct {
    int64_t x, y, z;
    int64_t index[BATCH_AXES];
} batch_place;

BLAS_HELPER int64_t batch_size(const gemm_batch *batch)
{
    int64_t size = 1;
    for (int64_t i = 0; i < batch->ndim; i++)
        size *= batch->axis[i].size;
    return size;
}

BLAS_HELPER void first_place(const gemm_batch *batch, batch_place *at)
{
    at->x = at->y = at->z = 0;
    for (int64_t i = 0; i < batch->ndim; i++)
        at->index[i] = 0;
}

/* Go to the next product; the last axis runs fastest. */
BLAS_INLINE void next_place(const gemm_batch *batch, batch_place *at)
{
    for (int64_t i = batch->ndim - 1; i >= 0; i--) {
        const batch_axis *const axis = &batch->axis[i];
        at->x += axis->x;
        at->y += axis->y;
        at->z += axis->z;
        if (++at->index[i] < axis->size)
            return;
        at->index[i] = 0;
        at->x -= axis->size * axis->x;
        at->y -= axis->size * axis->y;
        at->z -= axis->size * axis->z;
    }
}

BLAS_HELPER void drop_axis(gemm_batch *batch, int64_t i)
{
    for (batch->ndim--; i < batch->ndim; i++)
        batch->axis[i] = batch->axis[i + 1];
}

/* Does one stride lead from row to row through a whole axis of the batch? */
BLAS_HELPER bool stacks_by_rows(const matrix_view *v, int64_t stride)
{
    return v->rows == 1 || stride == v->rows * v->row_stride;
}

BLAS_HELPER void stack_rows(matrix_view *v, int64_t stride, int64_t size)
{
    if (v->rows == 1)
        v->row_stride = stride;
    v->rows *= size;
}

/* One right factor for a whole axis: the left factors and the results, stacked, are two tall matrices. */
BLAS_HELPER bool fold_into_rows(
        matrix_view *x, matrix_view *z, int64_t x_stride, int64_t y_stride, int64_t z_stride, int64_t size)
{
    if (y_stride != 0 || !stacks_by_rows(x, x_stride) || !stacks_by_rows(z, z_stride))
        return false;
    stack_rows(x, x_stride, size);
    stack_rows(z, z_stride, size);
    return true;
}

/* The same with one left factor: right factors and results side by side. */
BLAS_HELPER bool fold_into_columns(matrix_view *y, matrix_view *z, const batch_axis *axis)
{
    matrix_view y_t = transposed(y), z_t = transposed(z);
    const bool folds = fold_into_rows(&y_t, &z_t, axis->y, axis->x, axis->z, axis->size);
    *y = transposed(&y_t);
    *z = transposed(&z_t);
    return folds;
}

/* The same batch with fewer, larger products: axes that are rows or columns of one matrix become that, axes
 * that one stride leads through are joined. */
BLAS_OUTLINE void simplify_batch(gemm_batch *batch, matrix_view *x, matrix_view *y, matrix_view *z)
{
    for (int64_t i = batch->ndim - 1; i >= 0; i--) {
        const batch_axis *const axis = &batch->axis[i];
        if (axis->size == 1 || fold_into_rows(x, z, axis->x, axis->y, axis->z, axis->size) ||
                fold_into_columns(y, z, axis))
            drop_axis(batch, i);
    }
    for (int64_t i = batch->ndim - 1; i > 0; i--) {
        const batch_axis inner = batch->axis[i];
        batch_axis *const outer = &batch->axis[i - 1];
        if (outer->x == inner.size * inner.x && outer->y == inner.size * inner.y &&
                outer->z == inner.size * inner.z) {
            *outer = (batch_axis){outer->size * inner.size, inner.x, inner.y, inner.z};
            drop_axis(batch, i);
        }
    }
}

/* The transposed problem: z' = y' x'. */
BLAS_HELPER void transpose_batch(gemm_batch *batch, matrix_view *x, matrix_view *y, matrix_view *z)
{
    const matrix_view left = transposed(y);
    *y = transposed(x);
    *x = left;
    *z = transposed(z);
    for (int64_t i = 0; i < batch->ndim; i++) {
        const int64_t stride = batch->axis[i].x;
        batch->axis[i].x = batch->axis[i].y;
        batch->axis[i].y = stride;
    }
}

/* If the operands of the first product are aligned, are those of all? */
BLAS_HELPER bool batch_keeps_alignment(const gemm_batch *batch, int64_t itemsize)
{
    for (int64_t i = 0; i < batch->ndim; i++)
        if (batch->axis[i].x % itemsize || batch->axis[i].y % itemsize || batch->axis[i].z % itemsize)
            return false;
    return true;
}

BLAS_HELPER void widen_range(byte_range *range, int64_t size, int64_t stride)
{
    const int64_t span = (size - 1) * stride;
    range->low += span < 0 ? span : 0;
    range->high += span > 0 ? span : 0;
}

/* Does any product of the batch write where another one reads? */
BLAS_HELPER bool batch_overlaps(const gemm_batch *batch, const matrix_view *x, const matrix_view *y,
        const matrix_view *z, int64_t itemsize)
{
    byte_range of_x = matrix_range(x, itemsize), of_y = matrix_range(y, itemsize);
    byte_range of_z = matrix_range(z, itemsize);
    for (int64_t i = 0; i < batch->ndim; i++) {
        widen_range(&of_x, batch->axis[i].size, batch->axis[i].x);
        widen_range(&of_y, batch->axis[i].size, batch->axis[i].y);
        widen_range(&of_z, batch->axis[i].size, batch->axis[i].z);
    }
    return overlap(of_x, of_z) || overlap(of_y, of_z);
}

/* Scratch memory that each product of a batch uses anew. */
typedef struct {
    const blas_env *env;
    char *block;
    int64_t size, used;
} reused_scratch;

BLAS_HELPER void *take_reused(void *owner, int64_t bytes)
{
    reused_scratch *const own = (reused_scratch *)owner;
    if (own->used + bytes > own->size) {
        char *const block = own->env->scratch(own->env->owner, bytes);
        if (!block || own->used)
            return block; /* what this product got before stays where it is */
        own->block = block;
        own->size = bytes;
    }
    own->used += bytes;
    return own->block + own->used - bytes;
}

#endif
