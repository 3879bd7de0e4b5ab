/* How one gemm call will read and write its operands, decided before any data is touched. */
#ifndef PYTENSOR_BLAS_GEMM_PLAN_H
#define PYTENSOR_BLAS_GEMM_PLAN_H

#include "matrix_view.h"

/* BLAS's name for an operand's layout; `copy` says that it goes through scratch memory at `offset`. */
typedef struct {
    char trans;
    bool copy;
    blas_int ld;
    int64_t offset;
} operand_form;

typedef struct {
    matrix_view a, b, c;
    operand_form a_form, b_form, c_form;
    bool swapped; /* a is y transposed and b is x transposed */
    bool small;   /* plain loops do it */
    int64_t bytes;
} gemm_plan;

BLAS_HELPER int64_t within_limit(int64_t n)
{
    return n < BLAS_INT_LIMIT ? n : BLAS_INT_LIMIT;
}

/* An operand that is read: as is, transposed, conjugated on the way, or through a packed copy. */
BLAS_HELPER operand_form operand_to_read(
        const matrix_view *v, bool must_copy, int64_t itemsize, bool is_complex, int64_t *bytes)
{
    operand_form form = {0, false, 1, 0};
    form.trans = matrix_layout(v, itemsize, is_complex, &form.ld);
    if (must_copy || !form.trans || (form.trans == 'N' && v->conj)) {
        form = (operand_form){'T', true, (blas_int)at_least_one(v->cols), *bytes};
        *bytes += packed_bytes(v->rows * v->cols, itemsize);
    } else if (v->conj) {
        form.trans = 'C';
    }
    return form;
}

BLAS_HELPER operand_form output_to_write(
        const matrix_view *c, int64_t itemsize, bool is_complex, int64_t *bytes)
{
    operand_form form = {'N', false, 1, 0};
    if (!is_by_columns(c, itemsize, is_complex, &form.ld)) {
        form = (operand_form){'N', true, (blas_int)at_least_one(c->rows), *bytes};
        *bytes += packed_bytes(c->rows * c->cols, itemsize);
    }
    return form;
}

/* Reversing an axis in both operands that share it changes nothing: take negative strides away in pairs. */
BLAS_HELPER void straighten(gemm_plan *plan)
{
    if (plan->c.row_stride < 0) {
        flip_rows(&plan->c);
        flip_rows(&plan->a);
    }
    if (plan->c.col_stride < 0) {
        flip_cols(&plan->c);
        flip_cols(&plan->b);
    }
    if (plan->a.col_stride < 0 && plan->b.row_stride < 0) {
        flip_cols(&plan->a);
        flip_rows(&plan->b);
    }
}

/* `small`: up to so many multiplications plain loops do it, whatever the layout. */
BLAS_OUTLINE gemm_plan plan_gemm(const matrix_view *x, const matrix_view *y, const matrix_view *z,
        int64_t small, int64_t itemsize, bool is_complex)
{
    gemm_plan plan = {*x, *y, *z, {0}, {0}, {0}, false, false, 0};
    /* Stored by rows: solve the transposed problem. */
    if (plan.c.cols > 1 && (plan.c.col_stride == itemsize || plan.c.col_stride == -itemsize)) {
        plan.swapped = true;
        plan.a = transposed(y);
        plan.b = transposed(x);
        plan.c = transposed(&plan.c);
    }
    straighten(&plan);
    const byte_range written = matrix_range(&plan.c, itemsize);
    const bool a_overlaps = overlap(matrix_range(&plan.a, itemsize), written);
    const bool b_overlaps = overlap(matrix_range(&plan.b, itemsize), written);
    plan.small = z->rows * z->cols * x->cols <= small && !(a_overlaps || b_overlaps || x->conj || y->conj);
    if (!plan.small) {
        plan.a_form = operand_to_read(&plan.a, a_overlaps, itemsize, is_complex, &plan.bytes);
        plan.b_form = operand_to_read(&plan.b, b_overlaps, itemsize, is_complex, &plan.bytes);
        plan.c_form = output_to_write(&plan.c, itemsize, is_complex, &plan.bytes);
    }
    return plan;
}

BLAS_HELPER void use_copy(matrix_view *v, const operand_form *form, char *scratch, int64_t itemsize)
{
    if (form->copy)
        *v = packed_copy(v, scratch + form->offset, itemsize);
}

/* Scratch memory for an output, stored by columns. */
BLAS_HELPER matrix_view column_buffer(const matrix_view *shape, char *data, int64_t itemsize)
{
    return (matrix_view){
            data, shape->rows, shape->cols, itemsize, at_least_one(shape->rows) * itemsize, false};
}

#endif
