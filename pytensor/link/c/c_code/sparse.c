/* A constant matrix of compressed rows times a dense vector or matrix, included once per type.
   The matrix is data of the step; dispatch/sparse_kernels.py says how. */
#include "glue.h"
#include "views.h"

#ifndef PT_SUFFIX
#define PT_ALONE
#define T double
#define PT_SUFFIX f64
#endif

#define PT_NAME(f) PT_GLUE(f, PT_SUFFIX)

/* z[i] = sum of the elements of row i times those of b. Rows do not wait for one another. */
static void PT_NAME(csr_vector)(T *restrict z, int64_t rows, const int64_t *restrict start,
        const int32_t *restrict column, const T *restrict value, const T *restrict b)
{
    for (int64_t i = 0; i < rows; i++) {
        T sum = 0;
        for (int64_t k = start[i]; k < start[i + 1]; k++)
            sum += value[k] * b[column[k]];
        z[i] = sum;
    }
}

static void PT_NAME(csr_matrix)(T *restrict z, int64_t rows, int64_t width, const int64_t *restrict start,
        const int32_t *restrict column, const T *restrict value, const T *restrict b)
{
    for (int64_t i = 0; i < rows; i++) {
        T *restrict row = z + i * width;
        int64_t j = 0;
        for (; j + 8 <= width; j += 8) {
            T sum[8] = {0};
            for (int64_t k = start[i]; k < start[i + 1]; k++)
                for (int u = 0; u < 8; u++)
                    sum[u] += value[k] * b[column[k] * width + j + u];
            memcpy(row + j, sum, sizeof sum);
        }
        for (; j < width; j++) {
            T sum = 0;
            for (int64_t k = start[i]; k < start[i + 1]; k++)
                sum += value[k] * b[column[k] * width + j];
            row[j] = sum;
        }
    }
}

/* axes of b; rows; columns; stored elements; where rows begin; columns of the elements (int32,
   filled up to whole words); the elements */
PT_KERNEL(PT_NAME(csr_dot))
{
    const int64_t *p = pt_parameters(program), ndim = p[0], rows = p[1], columns = p[2], stored = p[3];
    const int64_t *start = p + 4;
    const int32_t *column = (const int32_t *)(start + rows + 1);
    const T *value = (const T *)(column + stored + (stored & 1)), *b;
    const pt_array *x = args[1];
    pt_array *z = args[2];
    const int64_t width = ndim == 2 ? x->shape[1] : 1;
    if (PT_UNLIKELY(x->shape[0] != columns))
        return pt_fail(ctx, PT_VALUE_ERROR,
                "[StructuredDot] x and y must agree on the inner dimension, got (%lld, %lld) and (%lld%s",
                (long long)rows, (long long)columns, (long long)x->shape[0], ndim == 2 ? ", ...)" : ",)");
    z->shape[0] = rows;
    if (ndim == 2)
        z->shape[1] = width;
    const int status = pt_alloc(ctx, z, (int)ndim, sizeof(T));
    if (status)
        return status;
    pt_heavy(ctx, (double)(stored + rows) * (double)width);
    b = (const T *)x->data;
    if (!pt_is_c_contiguous(x, (int)ndim, sizeof(T))) {
        T *copy = pt_scratch(ctx, columns * width * (int64_t)sizeof(T));
        if (!copy)
            return pt_fail(ctx, PT_MEMORY, "[StructuredDot] no memory for a copy of the dense operand");
        b = copy;
        for (int64_t i = 0; i < columns; i++)
            for (int64_t j = 0; j < width; j++)
                *copy++ = *(const T *)(x->data + i * x->strides[0] + (ndim == 2 ? j * x->strides[1] : 0));
    }
    if (width == 1)
        PT_NAME(csr_vector)((T *)z->data, rows, start, column, value, b);
    else
        PT_NAME(csr_matrix)((T *)z->data, rows, width, start, column, value, b);
    return PT_OK;
}

#undef PT_NAME
#ifdef PT_ALONE
#undef T
#undef PT_SUFFIX
#undef PT_ALONE
#endif
