/* Syrk: z <- alpha x x' + beta old, or with x's adjoint, with half the multiplications of a gemm.
 *
 * The library computes one triangle; what is missing is copied from it in tiles, so with beta = 0 the result
 * is exactly symmetric (Hermitian). `old` need not be symmetric. It is z itself, or shares no memory with z.
 */
#include "gemm_plan.h"
#include "triangle.h"

#ifndef ELEMENT /* compiled alone; a unit defines ELEMENT and lists the files it needs */
#define ELEMENT d
#include "loops.c"
#include "gemv.c"
#include "gemm.c"
#endif

#ifndef BLAS_SMALL_SYRK
#define BLAS_SMALL_SYRK 64
#endif

/* Rows i.. and columns j.. of the strict upper triangle of c: copied to their mirror images. */
BLAS_LOOPS void NAME(mirror_tile)(bool hermitian, const matrix_view *c, int64_t top, int64_t left)
{
    const int64_t bottom = top + TRIANGLE_TILE < c->rows ? top + TRIANGLE_TILE : c->rows;
    const int64_t right = left + TRIANGLE_TILE < c->cols ? left + TRIANGLE_TILE : c->cols;
    for (int64_t i = top; i < bottom; i++) {
        const int64_t first = left > i ? left : i + 1;
        const char *from = c->data + i * c->row_stride + first * c->col_stride;
        char *to = c->data + first * c->row_stride + i * c->col_stride;
        for (int64_t j = first; j < right; j++) {
            const REAL v = NAME(load)(from);
            NAME(store)(to, hermitian ? NAME(conj)(v) : v);
            from += c->col_stride;
            to += c->row_stride;
        }
    }
}

BLAS_HELPER void NAME(mirror_upper)(bool hermitian, const matrix_view *c)
{
    for (int64_t i = 0; i < c->rows; i += TRIANGLE_TILE)
        for (int64_t j = i; j < c->cols; j += TRIANGLE_TILE)
            NAME(mirror_tile)(hermitian, c, i, j);
    for (int64_t i = 0; hermitian && i < c->rows; i++) {
        char *const on_diagonal = c->data + i * (c->row_stride + c->col_stride);
        NAME(store)(on_diagonal, NAME(real_part)(NAME(load)(on_diagonal)));
    }
}

/* value + beta *old, reading *old only if beta is not 0. */
BLAS_INLINE REAL NAME(sum_with)(REAL value, REAL beta, const char *old)
{
    return NAME(equals)(beta, 0.0) ? value : NAME(add)(value, NAME(mul)(beta, NAME(load)(old)));
}

/* z <- value + beta old along a line. */
BLAS_LOOPS void NAME(finish_line)(char *z, int64_t z_stride, const REAL *value, REAL beta, const char *old,
        int64_t old_stride, int64_t n)
{
    const int64_t itemsize = (int64_t)sizeof(REAL);
    if (NAME(equals)(beta, 0.0)) {
        copy_line(z, z_stride, (const char *)value, itemsize, n, itemsize);
    } else if (z_stride == itemsize && old_stride == itemsize) {
        for (int64_t i = 0; i < n; i++)
            NAME(store)
        (z + i * itemsize, NAME(add)(value[i], NAME(mul)(beta, NAME(load)(old + i * itemsize))));
    } else {
        for (int64_t i = 0; i < n; i++)
            NAME(store)
        (z + i * z_stride, NAME(add)(value[i], NAME(mul)(beta, NAME(load)(old + i * old_stride))));
    }
}

/* One tile of z <- scale p + beta old and its mirror image; p is known in its lower triangle. p may be z, old
 * may be z. */
BLAS_LOOPS void NAME(finish_tile)(triangle_form how, REAL scale, const matrix_view *p, REAL beta,
        const matrix_view *old, const matrix_view *z, int64_t top, int64_t left)
{
    const int64_t rows = z->rows - top < TRIANGLE_TILE ? z->rows - top : TRIANGLE_TILE;
    const int64_t cols = z->cols - left < TRIANGLE_TILE ? z->cols - left : TRIANGLE_TILE;
    const bool diagonal = top == left;
    REAL below[TRIANGLE_TILE][TRIANGLE_TILE], above[TRIANGLE_TILE][TRIANGLE_TILE];
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < (diagonal ? i + 1 : cols); j++) {
            REAL v = NAME(load)(p->data + (top + i) * p->row_stride + (left + j) * p->col_stride);
            if (how.conjugate)
                v = NAME(conj)(v);
            below[i][j] = NAME(mul)(scale, v);
            above[j][i] = NAME(mul)(scale, how.hermitian ? NAME(conj)(v) : v);
        }
    for (int64_t i = 0; i < rows; i++)
        NAME(finish_line)
    (z->data + (top + i) * z->row_stride + left * z->col_stride, z->col_stride, below[i], beta,
            old->data + (top + i) * old->row_stride + left * old->col_stride, old->col_stride,
            diagonal ? i + 1 : cols);
    for (int64_t j = 0; j < cols; j++) {
        const int64_t first = diagonal ? j + 1 : 0;
        NAME(finish_line)
        (z->data + (left + j) * z->row_stride + (top + first) * z->col_stride, z->col_stride,
                above[j] + first, beta,
                old->data + (left + j) * old->row_stride + (top + first) * old->col_stride, old->col_stride,
                rows - first);
    }
}

/* Products too small for a library call: row by row of the triangle. */
BLAS_OUTLINE void NAME(small_syrk)(
        REAL alpha, const matrix_view *x, REAL beta, const matrix_view *old, const matrix_view *z)
{
    for (int64_t i = 0; i < z->rows; i++)
        for (int64_t j = i; j < z->cols; j++) {
            const int64_t here = i * z->row_stride + j * z->col_stride;
            const int64_t mirrored = j * z->row_stride + i * z->col_stride;
            const REAL value = NAME(mul)(alpha, NAME(dot_line)(x->data + i * x->row_stride, x->col_stride,
                                                        x->data + j * x->row_stride, x->col_stride, x->cols));
            const REAL below =
                    NAME(sum_with)(value, beta, old->data + j * old->row_stride + i * old->col_stride);
            NAME(store)
            (z->data + here,
                    NAME(sum_with)(value, beta, old->data + i * old->row_stride + j * old->col_stride));
            if (i != j)
                NAME(store)(z->data + mirrored, below);
        }
}

/* All of it by gemm: few rows, few columns and something to add to, giants, libraries without the routine. */
BLAS_OUTLINE int NAME(syrk_by_gemm)(const blas_env *env, bool hermitian, REAL alpha, const matrix_view *x,
        REAL beta, const matrix_view *old, const matrix_view *z)
{
    matrix_view right = transposed(x);
    right.conj = x->conj != hermitian;
    const bool overwrites = NAME(equals)(beta, 0.0);
    if (!overwrites && old->data != z->data)
        copy_matrix(z, old, (int64_t)sizeof(REAL));
    const int status = NAME(gemm)(env, alpha, x, &right, beta, z);
    if (!status && overwrites && (!hermitian || NAME(is_real)(alpha)))
        NAME(mirror_upper)(hermitian, z);
    return status;
}

/* The upper triangle of c <- alpha x x', by the library; more columns than BLAS_INT counts in several calls.
 */
BLAS_HELPER void NAME(call_syrk)(const blas_env *env, bool hermitian, REAL alpha, const matrix_view *x,
        char layout, blas_int ldx, const matrix_view *c, blas_int ldc)
{
    syrk_fn *const syrk = (syrk_fn *)(hermitian ? ROUTINE(env, herk) : ROUTINE(env, syrk));
    const char trans = layout == 'N' ? 'N' : hermitian ? 'C' : 'T';
    const blas_int n = (blas_int)c->rows;
    if (BLAS_CLEARS_OUTPUT)
        NAME(scale_matrix)(NAME(real)(0.0), c);
    for (int64_t l = 0; l < x->cols; l += BLAS_INT_LIMIT) {
        const REAL beta = NAME(real)(l ? 1.0 : 0.0); /* herk reads the real part only, which comes first */
        const blas_int k = (blas_int)within_limit(x->cols - l);
        syrk("U", &trans, &n, &k, &alpha, x->data + l * x->col_stride, &ldx, &beta, c->data, &ldc);
    }
}

/* By the library's triangle, computed in z, or aside if z is still needed or has another layout. */
BLAS_OUTLINE int NAME(syrk_by_triangle)(const blas_env *env, bool hermitian, REAL alpha, matrix_view x,
        REAL beta, const matrix_view *old, const matrix_view *z)
{
    const int64_t itemsize = (int64_t)sizeof(REAL);
    const bool overwrites = NAME(equals)(beta, 0.0);
    blas_int ldx = 1, ldc = 1;
    char layout = x.conj ? 0 : matrix_layout(&x, itemsize, IS_COMPLEX, &ldx);
    const char z_layout = matrix_layout(z, itemsize, IS_COMPLEX, &ldc);
    const bool aside = !z_layout || (!overwrites && old->data == z->data);
    const int64_t x_bytes = layout ? 0 : packed_bytes(x.rows * x.cols, itemsize);
    const int64_t bytes = x_bytes + (aside ? packed_bytes(z->rows * z->cols, itemsize) : 0);
    char *const scratch = bytes ? env->scratch(env->owner, bytes) : NULL;
    if (bytes && !scratch)
        return BLAS_NO_MEMORY;
    if (!layout) { /* by rows, unless these are longer than a leading dimension can be */
        const bool by_columns = x.cols > BLAS_INT_LIMIT;
        const matrix_view turned = by_columns ? transposed(&x) : x;
        x = packed_copy(&turned, scratch, itemsize);
        ldx = (blas_int)at_least_one(x.cols);
        if (by_columns)
            x = transposed(&x);
        layout = by_columns ? 'N' : 'T';
    }
    /* From here on `to` is z or its transpose, and the triangle is computed in c, stored by columns. */
    const bool by_rows = z_layout == 'T';
    const matrix_view to = by_rows ? transposed(z) : *z, from = by_rows ? transposed(old) : *old;
    const matrix_view c = aside ? column_buffer(z, scratch + x_bytes, itemsize) : to;
    if (aside)
        ldc = (blas_int)at_least_one(z->rows);
    /* Of x by rows the library sees x', and computes the conjugate; and z' is the conjugate of z. */
    const bool complex_scale = hermitian && !NAME(is_real)(alpha);
    const triangle_form how = {hermitian, hermitian && (layout == 'T') != by_rows};
    NAME(call_syrk)(env, hermitian, complex_scale ? NAME(real)(1.0) : alpha, &x, layout, ldx, &c, ldc);
    if (overwrites && !aside && !how.conjugate && !complex_scale) {
        NAME(mirror_upper)(hermitian, &to);
        return BLAS_DONE;
    }
    const REAL scale = complex_scale ? alpha : NAME(real)(1.0);
    const matrix_view rows = transposed(&to), old_rows = transposed(&from), known = transposed(&c);
    for (int64_t i = 0; i < rows.rows; i += TRIANGLE_TILE)
        for (int64_t j = 0; j <= i; j += TRIANGLE_TILE)
            NAME(finish_tile)(how, scale, &known, beta, &old_rows, &rows, i, j);
    return BLAS_DONE;
}

/* Does gemm beat the library's triangle, or is there none (triangle.h)? */
BLAS_HELPER bool NAME(wants_gemm)(
        const blas_env *env, bool hermitian, const matrix_view *x, const matrix_view *z, bool adds)
{
    const bool has_routine = hermitian ? ROUTINE(env, herk) : ROUTINE(env, syrk);
    return !has_routine || z->rows > BLAS_INT_LIMIT || (adds && x->cols < SYRK_FEW_COLUMNS) ||
           (z->rows <= SYRK_FEW_ROWS && x->cols > SYRK_MANY_COLUMNS);
}

/* z <- alpha x x' + beta old; `hermitian`: x's adjoint in place of its transpose. */
BLAS_HELPER int NAME(syrk)(const blas_env *env, bool hermitian, REAL alpha, const matrix_view *x, REAL beta,
        const matrix_view *old, const matrix_view *z)
{
    const int64_t itemsize = (int64_t)sizeof(REAL);
    const bool overwrites = NAME(equals)(beta, 0.0);
    matrix_view left = *x;
    hermitian = hermitian && IS_COMPLEX;
    if (z->rows != z->cols || x->rows != z->rows || old->rows != z->rows || old->cols != z->cols)
        return BLAS_SHAPE;
    if (z->rows == 0)
        return BLAS_DONE;
    if (NAME(equals)(alpha, 0.0) || x->cols == 0) {
        if (!overwrites && old->data != z->data)
            copy_matrix(z, old, itemsize);
        NAME(scale_matrix)(beta, z);
        return BLAS_DONE;
    }
    if (left.col_stride < 0) /* the order of a sum's terms is free */
        flip_cols(&left);
    if (overlap(matrix_range(x, itemsize), matrix_range(z, itemsize))) {
        char *const scratch = env->scratch(env->owner, packed_bytes(x->rows * x->cols, itemsize));
        if (!scratch)
            return BLAS_NO_MEMORY;
        left = packed_copy(&left, scratch, itemsize);
    }
    if (!hermitian && !x->conj && z->rows * z->cols * x->cols <= BLAS_SMALL_SYRK) {
        NAME(small_syrk)(alpha, &left, beta, old, z);
        return BLAS_DONE;
    }
    if (NAME(wants_gemm)(env, hermitian, &left, z, !overwrites))
        return NAME(syrk_by_gemm)(env, hermitian, alpha, &left, beta, old, z);
    return NAME(syrk_by_triangle)(env, hermitian, alpha, left, beta, old, z);
}
