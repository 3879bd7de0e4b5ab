/* Trsm: x <- A^-1 x for a triangle A of any layout and x of any layout, over x.
 *
 * Transposing A is a matter of the view (and of `lower`). A conjugated triangle needs none of BLAS's letters:
 * conj(A) x = b is A conj(x) = conj(b). One vector is solved in blocks: what is known already is subtracted
 * by gemv, the small triangle on the diagonal by substitution (benchmarks/blas_triangular).
 */
#include "gemm_plan.h"
#include "division.h"
#include "triangle_view.h"

#ifndef ELEMENT /* compiled alone; a unit defines ELEMENT and lists the files it needs */
#define ELEMENT d
#include "loops.c"
#include "triangle_loops.c"
#include "gemv.c"
#include "gemm.c"
#endif

#ifndef BLAS_SOLVE_BLOCK
#define BLAS_SOLVE_BLOCK 32
#endif

/* Up to so many rows and columns plain loops are faster than the library. */
#ifndef BLAS_SMALL_TRSM
#define BLAS_SMALL_TRSM 4
#endif

/* Has the diagonal a zero, so that there is no solution? */
BLAS_HELPER bool NAME(is_singular)(const triangle_view *a)
{
    const int64_t step = a->view.row_stride + a->view.col_stride;
    for (int64_t i = 0; !a->unit && i < a->view.rows; i++)
        if (NAME(equals)(NAME(load)(a->view.data + i * step), 0.0))
            return true;
    return false;
}

/* Row by row, from the one with a single unknown. */
BLAS_HELPER void NAME(substitute)(const triangle_view *a, const vector_view *x)
{
    const matrix_view *v = &a->view;
    for (int64_t step = 0; step < x->size; step++) {
        const int64_t i = a->lower ? step : x->size - 1 - step, first = a->lower ? 0 : i + 1;
        char *const unknown = x->data + i * x->stride;
        const REAL known = NAME(short_dot)(v->data + i * v->row_stride + first * v->col_stride, v->col_stride,
                x->data + first * x->stride, x->stride, step);
        REAL value = NAME(sub)(NAME(load)(unknown), known);
        if (!a->unit)
            value = NAME(divide)(value, NAME(load)(v->data + i * (v->row_stride + v->col_stride)));
        NAME(store)(unknown, value);
    }
}

BLAS_OUTLINE int NAME(trsv)(const blas_env *env, const triangle_view *a, const vector_view *x)
{
    const int64_t itemsize = (int64_t)sizeof(REAL);
    blas_int inc = 1;
    if (!vector_increment(x, itemsize, IS_COMPLEX, &inc)) {
        char *const scratch = env->scratch(env->owner, packed_bytes(x->size, itemsize));
        const vector_view own = {.data = scratch, .size = x->size, .stride = itemsize};
        if (!scratch)
            return BLAS_NO_MEMORY;
        copy_line(own.data, itemsize, x->data, x->stride, x->size, itemsize);
        const int status = NAME(trsv)(env, a, &own);
        copy_line(x->data, x->stride, own.data, itemsize, x->size, itemsize);
        return status;
    }
    for (int64_t done = 0; done < x->size; done += BLAS_SOLVE_BLOCK) {
        const int64_t left = x->size - done, size = left < BLAS_SOLVE_BLOCK ? left : BLAS_SOLVE_BLOCK;
        const int64_t i = a->lower ? done : left - size, known_at = a->lower ? 0 : x->size - done;
        const vector_view part = subvector(x, i, size), known = subvector(x, known_at, done);
        const matrix_view beside = submatrix(&a->view, i, size, known_at, done);
        const int status = NAME(gemv)(env, NAME(real)(-1.0), &beside, &known, NAME(real)(1.0), &part);
        if (status)
            return status;
        const triangle_view block = diagonal_block(a, i, size);
        NAME(substitute)(&block, &part);
    }
    return BLAS_DONE;
}

BLAS_OUTLINE int NAME(solve_columns)(const blas_env *env, const triangle_view *a, const matrix_view *z)
{
    int status = BLAS_DONE;
    for (int64_t j = 0; !status && j < z->cols; j++) {
        const vector_view column = {
                .data = z->data + j * z->col_stride, .size = z->rows, .stride = z->row_stride};
        status = NAME(trsv)(env, a, &column);
    }
    return status;
}

/* The same for all columns at once, for a small z that lies by rows: each row is a sum of known ones. */
BLAS_OUTLINE void NAME(solve_rows)(const triangle_view *a, const matrix_view *z)
{
    const matrix_view *v = &a->view;
    for (int64_t step = 0; step < z->rows; step++) {
        const int64_t i = a->lower ? step : z->rows - 1 - step, first = a->lower ? 0 : i + 1;
        const char *const row = v->data + i * v->row_stride, *const diagonal = row + i * v->col_stride;
        const matrix_view known = submatrix(z, first, step, 0, z->cols);
        const REAL scale = a->unit ? NAME(real)(1.0) : NAME(divide)(NAME(real)(1.0), NAME(load)(diagonal));
        NAME(subtract_rows)
        (z->data + i * z->row_stride, row + first * v->col_stride, v->col_stride, &known, scale);
    }
}

/* Small systems. Says if it was one; a z that lies by columns goes through scratch memory. */
BLAS_HELPER bool NAME(small_trsm)(const blas_env *env, const triangle_view *a, const matrix_view *z)
{
    const int64_t itemsize = (int64_t)sizeof(REAL);
    if (!NAME(has_own_rows)(z->rows, z->cols) || z->cols > OWN_RESULTS || z->rows > OWN_RESULTS)
        return false;
    if (z->col_stride == itemsize) {
        NAME(solve_rows)(a, z);
        return true;
    }
    char *const scratch = env->scratch(env->owner, packed_bytes(z->rows * z->cols, itemsize));
    if (!scratch)
        return false;
    const matrix_view own = packed_copy(z, scratch, itemsize);
    NAME(solve_rows)(a, &own);
    copy_matrix(z, &own, itemsize);
    return true;
}

/* One call of the library; sizes fit. If z lies by rows, Fortran sees z' <- z' A'^-1. */
BLAS_OUTLINE int NAME(trsm_call)(const blas_env *env, const triangle_view *a, const matrix_view *z)
{
    trmm_fn *const trsm = (trmm_fn *)ROUTINE(env, trsm);
    const int64_t itemsize = (int64_t)sizeof(REAL);
    const matrix_view z_transposed = transposed(z);
    int64_t bytes = 0;
    const operand_form form = operand_to_read(&a->view, false, itemsize, IS_COMPLEX, &bytes);
    operand_form z_form = {'N', false, 1, 0};
    const bool by_rows = is_by_columns(&z_transposed, itemsize, IS_COMPLEX, &z_form.ld);
    if (!by_rows)
        z_form = output_to_write(z, itemsize, IS_COMPLEX, &bytes);
    char *const scratch = bytes ? env->scratch(env->owner, bytes) : NULL;
    if (bytes && !scratch)
        return BLAS_NO_MEMORY;
    matrix_view triangle = a->view, out = by_rows ? z_transposed : *z;
    use_copy(&triangle, &form, scratch, itemsize);
    if (z_form.copy) {
        out = column_buffer(z, scratch + z_form.offset, itemsize);
        copy_matrix(&out, z, itemsize);
    }
    const bool flipped = form.trans == 'T';
    const blas_int m = (blas_int)out.rows, n = (blas_int)out.cols;
    const REAL one = NAME(real)(1.0);
    trsm(by_rows ? "R" : "L", a->lower == flipped ? "U" : "L", flipped == by_rows ? "N" : "T",
            a->unit ? "U" : "N", &m, &n, &one, triangle.data, &form.ld, out.data, &z_form.ld);
    if (z_form.copy)
        copy_matrix(z, &out, itemsize);
    return BLAS_DONE;
}

BLAS_HELPER int NAME(trsm)(const blas_env *env, const triangle_view *a, const matrix_view *z);

/* More rows than a library call may have: the first part of the unknowns, then the rest without it. */
BLAS_OUTLINE int NAME(split_trsm)(const blas_env *env, const triangle_view *a, const matrix_view *z)
{
    const int64_t size = within_limit(z->rows), rest = z->rows - size;
    const int64_t i = a->lower ? 0 : rest, k = a->lower ? size : 0;
    const triangle_view block = diagonal_block(a, i, size), others = diagonal_block(a, k, rest);
    const matrix_view known = submatrix(z, i, size, 0, z->cols), unknown = submatrix(z, k, rest, 0, z->cols);
    const matrix_view beside = submatrix(&a->view, k, rest, i, size);
    int status = NAME(trsm)(env, &block, &known);
    if (!status)
        status = NAME(gemm)(env, NAME(real)(-1.0), &beside, &known, NAME(real)(1.0), &unknown);
    return status ? status : NAME(trsm)(env, &others, &unknown);
}

/* z <- A^-1 z for a triangle that is not conjugated and without a zero on its diagonal. */
BLAS_HELPER int NAME(trsm)(const blas_env *env, const triangle_view *a, const matrix_view *z)
{
    if (z->rows == 0 || z->cols == 0)
        return BLAS_DONE;
    if (NAME(small_trsm)(env, a, z))
        return BLAS_DONE;
    if (z->cols == 1 || (z->rows <= BLAS_SMALL_TRSM && z->cols <= BLAS_SMALL_TRSM) || !ROUTINE(env, trsm))
        return NAME(solve_columns)(env, a, z);
    if (z->rows > BLAS_INT_LIMIT)
        return NAME(split_trsm)(env, a, z);
    int status = BLAS_DONE;
    for (int64_t j = 0; !status && j < z->cols; j += BLAS_INT_LIMIT) {
        const matrix_view part = submatrix(z, 0, z->rows, j, within_limit(z->cols - j));
        status = NAME(trsm_call)(env, a, &part);
    }
    return status;
}

/* z <- A^-1 z, or conj(A)^-1 z if A's view says so. */
BLAS_HELPER int NAME(solve_triangle)(const blas_env *env, const triangle_view *a, const matrix_view *z)
{
    const int64_t itemsize = (int64_t)sizeof(REAL);
    const bool conj = a->view.conj && IS_COMPLEX;
    triangle_view plain = *a;
    if (a->view.rows != a->view.cols || a->view.rows != z->rows)
        return BLAS_SHAPE;
    plain.view.conj = false;
    if (overlap(matrix_range(&a->view, itemsize), matrix_range(z, itemsize))) {
        char *const scratch = env->scratch(env->owner, packed_bytes(a->view.rows * a->view.cols, itemsize));
        if (!scratch)
            return BLAS_NO_MEMORY;
        plain.view = packed_copy(&plain.view, scratch, itemsize);
    }
    if (conj)
        NAME(conjugate_matrix)(z);
    const int status = NAME(trsm)(env, &plain, z);
    if (conj)
        NAME(conjugate_matrix)(z);
    return status;
}
