/* Kernel of Dot, BatchedDot and Blockwise(Dot) of integers. */
#include "batch_kernel.h"

#ifndef T /* compiled alone; a unit defines T, WIDE, INT_SUFFIX and lists the files it needs */
#include "int_gemm.c"
#endif

/* Work per nanosecond. */
#define INT_GEMM_PER_NS 4.0

/* A matrix as the loops read it: as it is if its rows are contiguous, else packed, unless the product before
 * had the same. */
BLAS_HELPER const T *INT_NAME(packed)(const matrix_view *v, T *buffer, const char **last)
{
    if (!buffer)
        return (const T *)(const void *)v->data;
    if (*last != v->data)
        INT_NAME(pack)(buffer, v);
    *last = v->data;
    return buffer;
}

BLAS_HELPER bool INT_NAME(lies_packed)(const matrix_view *v)
{
    const int64_t itemsize = (int64_t)sizeof(T);
    return (v->cols <= 1 || v->col_stride == itemsize) &&
           (v->rows <= 1 || v->row_stride == v->cols * itemsize);
}

/* Fewer, larger products, where that leaves z packed: single columns side by side lie by columns, which is
 * the transposed problem; rows or columns with others between them stay as they are. */
BLAS_OUTLINE void INT_NAME(fold)(gemm_batch *batch, matrix_view *a, matrix_view *b, matrix_view *c)
{
    gemm_batch folded = *batch;
    matrix_view x = *a, y = *b, z = *c;
    simplify_batch(&folded, &x, &y, &z);
    if (!INT_NAME(lies_packed)(&z))
        transpose_batch(&folded, &x, &y, &z);
    if (!INT_NAME(lies_packed)(&z))
        return;
    *batch = folded;
    *a = x;
    *b = y;
    *c = z;
}

/* z <- x y, new matrices. */
BLAS_HELPER int INT_NAME(int_dot_kernel)(
        pt_ctx *ctx, const char *op, int ndim, stack_operand x, stack_operand y, pt_array *z)
{
    const int64_t itemsize = (int64_t)sizeof(T);
    int failed = batched_shape(ctx, op, ndim, x, y, z->shape);
    if (!failed)
        failed = pt_alloc(ctx, z, ndim, itemsize);
    if (failed)
        return failed;
    matrix_view a = last_matrix_of(x.array, ndim), b = last_matrix_of(y.array, ndim);
    matrix_view c = last_matrix_of(z, ndim);
    gemm_batch batch;
    batch_place at;
    describe_batch(&batch, x.array, y.array, z, ndim - 2);
    INT_NAME(fold)(&batch, &a, &b, &c);
    const int64_t products = batch_size(&batch);
    if (products == 0 || c.rows == 0 || c.cols == 0)
        return PT_OK;
    pt_heavy(ctx, (double)products * (double)c.rows * (double)c.cols * (double)a.cols / INT_GEMM_PER_NS);
    /* With few columns rows of z are short, and dot products are faster. */
    const int64_t shape[] = {c.rows, a.cols, c.cols};
    const bool transposed_y = c.cols < 8;
    if (transposed_y)
        b = transposed(&b);
    T *const a_buffer =
            INT_NAME(lies_packed)(&a) ? NULL : (T *)pt_scratch(ctx, a.rows * a.cols * itemsize + 1);
    T *const b_buffer =
            INT_NAME(lies_packed)(&b) ? NULL : (T *)pt_scratch(ctx, b.rows * b.cols * itemsize + 1);
    if ((!a_buffer && !INT_NAME(lies_packed)(&a)) || (!b_buffer && !INT_NAME(lies_packed)(&b)))
        return kernel_status(ctx, BLAS_NO_MEMORY, op);
    const char *last_a = NULL, *last_b = NULL;
    char *const a_data = a.data, *const b_data = b.data;
    first_place(&batch, &at);
    for (int64_t left = products; left > 0; left--, next_place(&batch, &at)) {
        a.data = a_data + at.x;
        b.data = b_data + at.y;
        T *const out = (T *)(void *)(c.data + at.z);
        INT_NAME(int_gemm)
        (INT_NAME(packed)(&a, a_buffer, &last_a), INT_NAME(packed)(&b, b_buffer, &last_b), transposed_y, out,
                shape);
    }
    return PT_OK;
}
