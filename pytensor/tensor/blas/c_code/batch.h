/* A batch of matrices of one shape, and when it is really one tall matrix. */
#ifndef PYTENSOR_BLAS_BATCH_H
#define PYTENSOR_BLAS_BATCH_H

#include "gemm_plan.h"

/* The strides, in bytes, from one product's matrices to the next one's. */
typedef struct {
    int64_t size, x_stride, y_stride, z_stride;
} gemm_batch;

/* Does one stride lead from row to row through the whole batch? */
BLAS_HELPER bool stacks_by_rows(const matrix_view *v, int64_t batch_stride)
{
    return v->rows == 1 || batch_stride == v->rows * v->row_stride;
}

BLAS_HELPER matrix_view stacked(const matrix_view *v, int64_t batch_stride, int64_t size)
{
    matrix_view tall = *v;
    tall.row_stride = v->rows == 1 ? batch_stride : v->row_stride;
    tall.rows = v->rows * size;
    return tall;
}

/* If the operands of the first product are aligned, are those of all? */
BLAS_HELPER bool batch_keeps_alignment(const gemm_batch *batch, int64_t itemsize)
{
    return batch->size <= 1 || (batch->x_stride % itemsize == 0 && batch->y_stride % itemsize == 0 &&
                                       batch->z_stride % itemsize == 0);
}

/* Bytes of all matrices of an operand. */
BLAS_HELPER byte_range batch_range(const matrix_view *v, int64_t batch_stride, int64_t size, int64_t itemsize)
{
    byte_range range = matrix_range(v, itemsize);
    const int64_t span = (at_least_one(size) - 1) * batch_stride;
    range.low += span < 0 ? span : 0;
    range.high += span > 0 ? span : 0;
    return range;
}

#endif
