/* How kernels hand their arrays to the BLAS helpers. */
#ifndef PYTENSOR_BLAS_KERNEL_H
#define PYTENSOR_BLAS_KERNEL_H

#include "pytensor.h"
#include "matrix_view.h"

/* Work per nanosecond, roughly, for deciding when to give the GIL away. */
#define GEMM_PER_NS 16.0
#define GEMV_PER_NS 2.0

BLAS_HELPER void *kernel_scratch(void *ctx, int64_t bytes)
{
    return pt_scratch((pt_ctx *)ctx, bytes);
}

BLAS_HELPER blas_env kernel_env(pt_ctx *ctx)
{
    return (blas_env){ctx->svc->blas, kernel_scratch, ctx};
}

BLAS_HELPER matrix_view matrix_of(const pt_array *x)
{
    return (matrix_view){x->data, x->shape[0], x->shape[1], x->strides[0], x->strides[1], false};
}

/* An operand of a product, or its conjugate. */
BLAS_HELPER matrix_view factor_of(const pt_array *x, bool conj)
{
    matrix_view v = matrix_of(x);
    v.conj = conj;
    return v;
}

BLAS_HELPER vector_view vector_of(const pt_array *x)
{
    return (vector_view){x->data, x->shape[0], x->strides[0], false};
}

/* May `old` be the accumulator of an output of length `n`: as it is, or broadcast? */
BLAS_HELPER bool fits(int64_t old, int64_t n, bool broadcasts)
{
    return old == n || (broadcasts && old == 1);
}

/* Turn the status of a helper whose lengths were checked before into that of a kernel. */
BLAS_HELPER int kernel_status(pt_ctx *ctx, int status, const char *op)
{
    if (status == BLAS_DONE)
        return PT_OK;
    if (status == BLAS_SHAPE)
        return pt_fail(ctx, PT_VALUE_ERROR, "[%s] operands must be aligned", op);
    return pt_fail(ctx, PT_MEMORY, "[%s] no memory to copy an operand", op);
}

/* `old` as an accumulator of z's shape: length-1 axes are repeated. */
BLAS_HELPER matrix_view broadcast_to(const matrix_view *z, const pt_array *old)
{
    matrix_view from = matrix_of(old);
    if (from.rows != z->rows)
        from.row_stride = 0;
    if (from.cols != z->cols)
        from.col_stride = 0;
    from.rows = z->rows;
    from.cols = z->cols;
    return from;
}

/* z <- old, broadcast along length-1 axes, unless z is old's memory already. */
BLAS_HELPER void load_accumulator(const matrix_view *z, const pt_array *old, int64_t itemsize)
{
    const matrix_view from = broadcast_to(z, old);
    if (from.data != z->data)
        copy_matrix(z, &from, itemsize);
}

enum { SHAPE_TEXT = 256 };

/* A shape as Python writes it, "(3, 4)"; cut off where it gets too long to read. */
BLAS_OUTLINE const char *shape_text(char *buffer, const int64_t *shape, int ndim)
{
    char *to = buffer, digits[24];
    *to++ = '(';
    for (int i = 0; i < ndim && to + sizeof digits + 8 < buffer + SHAPE_TEXT; i++) {
        int used = 0;
        int64_t n = shape[i];
        do
            digits[used++] = (char)('0' + n % 10);
        while ((n /= 10) > 0);
        while (used)
            *to++ = digits[--used];
        if (i + 1 < ndim || ndim == 1)
            *to++ = ',';
        if (i + 1 < ndim)
            *to++ = ' ';
    }
    *to++ = ')';
    *to = '\0';
    return buffer;
}

/* The errors for lengths that do not agree; tensor/blas/_operands.py says the same. */
BLAS_OUTLINE int fail_shapes(pt_ctx *ctx, const char *op, const char *rule, const char *first,
        const pt_array *x, int x_ndim, const char *second, const pt_array *y, int y_ndim)
{
    char left[SHAPE_TEXT], right[SHAPE_TEXT];
    return pt_fail(ctx, PT_VALUE_ERROR,
            "[%s] %s and %s must agree on the %s (shapes not aligned), got %s %s and %s %s", op, first,
            second, rule, first, shape_text(left, x->shape, x_ndim), second,
            shape_text(right, y->shape, y_ndim));
}

BLAS_OUTLINE int fail_accumulator(pt_ctx *ctx, const char *op, const char *name, bool broadcasts,
        const pt_array *old, const int64_t *shape, int ndim)
{
    char got[SHAPE_TEXT], wanted[SHAPE_TEXT];
    return pt_fail(ctx, PT_VALUE_ERROR,
            "[%s] %s must have the shape of the product%s (shapes not aligned), got %s %s for the product's "
            "%s",
            op, name, broadcasts ? " or lengths of 1" : "", name, shape_text(got, old->shape, ndim),
            shape_text(wanted, shape, ndim));
}

#endif
