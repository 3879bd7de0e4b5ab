/* Ger: z <- a + alpha x y', the rank-1 update; z may be a itself.
 *
 * One pass over memory is all there is to do, so plain loops do it: a copy of `a` followed by the library's
 * update in place reads and writes z twice. Only a large update in place goes to the library, which has
 * threads.
 */
#include "gemm_plan.h"

#ifndef ELEMENT /* compiled alone; a unit defines ELEMENT and lists the files it needs */
#define ELEMENT d
#include "loops.c"
#endif

#ifndef BLAS_LARGE_GER
#define BLAS_LARGE_GER 8192
#endif

/* One row of a plain update: z <- a + t y. The contiguous cases are spelled out for the vectoriser; in the
 * second one `a` is one number, as the zero is that an outer product is added to. */
BLAS_INLINE void NAME(ger_line)(REAL t, const char *y, int64_t y_stride, const char *a, int64_t a_stride,
        char *z, int64_t z_stride, int64_t n)
{
    const int64_t itemsize = (int64_t)sizeof(REAL);
    if (y_stride == itemsize && a_stride == itemsize && z_stride == itemsize) {
        for (int64_t j = 0; j < n; j++) {
            const REAL product = NAME(mul)(t, NAME(load)(y + j * itemsize));
            NAME(store)(z + j * itemsize, NAME(add)(NAME(load)(a + j * itemsize), product));
        }
        return;
    }
    if (y_stride == itemsize && a_stride == 0 && z_stride == itemsize) {
        const REAL old = n > 0 ? NAME(load)(a) : t;
        for (int64_t j = 0; j < n; j++) {
            const REAL product = NAME(mul)(t, NAME(load)(y + j * itemsize));
            NAME(store)(z + j * itemsize, NAME(add)(old, product));
        }
        return;
    }
    for (int64_t j = 0; j < n; j++) {
        const REAL product = NAME(mul)(t, NAME(load)(y + j * y_stride));
        NAME(store)(z + j * z_stride, NAME(add)(NAME(load)(a + j * a_stride), product));
    }
}

BLAS_LOOPS void NAME(plain_ger)(
        REAL alpha, const vector_view *x, const vector_view *y, const matrix_view *a, const matrix_view *z)
{
    const int64_t down = z->row_stride < 0 ? -z->row_stride : z->row_stride;
    const int64_t across = z->col_stride < 0 ? -z->col_stride : z->col_stride;
    if (z->rows > 1 && (z->cols <= 1 || down < across)) {
        const matrix_view from = transposed(a), to = transposed(z);
        for (int64_t i = 0; i < to.rows; i++)
            NAME(ger_line)
        (NAME(mul)(alpha, NAME(load)(y->data + i * y->stride)), x->data, x->stride,
                from.data + i * from.row_stride, from.col_stride, to.data + i * to.row_stride, to.col_stride,
                to.cols);
        return;
    }
    for (int64_t i = 0; i < z->rows; i++)
        NAME(ger_line)
    (NAME(mul)(alpha, NAME(load)(x->data + i * x->stride)), y->data, y->stride, a->data + i * a->row_stride,
            a->col_stride, z->data + i * z->row_stride, z->col_stride, z->cols);
}

/* The library's update in place, if it can read everything as it lies. */
BLAS_OUTLINE bool NAME(library_ger)(const blas_env *env, REAL alpha, const vector_view *x_view,
        const vector_view *y_view, const matrix_view *z)
{
    const int64_t itemsize = (int64_t)sizeof(REAL);
    matrix_view c = *z;
    vector_view x = *x_view, y = *y_view;
    blas_int ld = 1, incx = 1, incy = 1;
    if (c.row_stride < 0) {
        flip_rows(&c);
        flip(&x);
    }
    if (c.col_stride < 0) {
        flip_cols(&c);
        flip(&y);
    }
    const char layout = matrix_layout(&c, itemsize, IS_COMPLEX, &ld);
    if (!layout || c.rows > BLAS_INT_LIMIT || c.cols > BLAS_INT_LIMIT ||
            !vector_increment(&x, itemsize, IS_COMPLEX, &incx) ||
            !vector_increment(&y, itemsize, IS_COMPLEX, &incy))
        return false;
    /* The library conjugates its second vector only; a first one was copied before. */
    const vector_view *const first = layout == 'N' ? &x : &y, *const second = layout == 'N' ? &y : &x;
    if (first->conj)
        return false;
    ger_fn *const ger = (ger_fn *)(second->conj ? ROUTINE(env, gerc) : ROUTINE(env, geru));
    const blas_int rows = (blas_int)c.rows, cols = (blas_int)c.cols;
    if (layout == 'N')
        ger(&rows, &cols, &alpha, vector_start(&x), &incx, vector_start(&y), &incy, c.data, &ld);
    else
        ger(&cols, &rows, &alpha, vector_start(&y), &incy, vector_start(&x), &incx, c.data, &ld);
    return true;
}

/* A copy of a vector that shares memory with the output, or that has to be conjugated beforehand. */
BLAS_OUTLINE bool NAME(detach)(const blas_env *env, vector_view *v, bool conjugated, const matrix_view *z)
{
    const int64_t itemsize = (int64_t)sizeof(REAL);
    if (!(conjugated && v->conj) && !overlap(vector_range(v, itemsize), matrix_range(z, itemsize)))
        return true;
    char *const scratch = env->scratch(env->owner, packed_bytes(v->size, itemsize));
    if (!scratch)
        return false;
    *v = packed_vector(v, scratch, itemsize);
    return true;
}

BLAS_HELPER int NAME(ger)(const blas_env *env, REAL alpha, const vector_view *x, const vector_view *y,
        const matrix_view *a, const matrix_view *z)
{
    const bool in_place =
            a->data == z->data && a->row_stride == z->row_stride && a->col_stride == z->col_stride;
    const bool large = in_place && z->rows * z->cols >= BLAS_LARGE_GER;
    vector_view left = *x, right = *y;
    if (a->rows != z->rows || a->cols != z->cols || x->size != z->rows || y->size != z->cols)
        return BLAS_SHAPE;
    if (z->rows == 0 || z->cols == 0)
        return BLAS_DONE;
    if (NAME(equals)(alpha, 0.0)) {
        if (!in_place)
            copy_matrix(z, a, (int64_t)sizeof(REAL));
        return BLAS_DONE;
    }
    if (!NAME(detach)(env, &left, false, z) || !NAME(detach)(env, &right, false, z))
        return BLAS_NO_MEMORY;
    if (large && NAME(library_ger)(env, alpha, &left, &right, z))
        return BLAS_DONE;
    if (!NAME(detach)(env, &left, true, z) || !NAME(detach)(env, &right, true, z))
        return BLAS_NO_MEMORY;
    if (large && NAME(library_ger)(env, alpha, &left, &right, z))
        return BLAS_DONE;
    NAME(plain_ger)(alpha, &left, &right, a, z);
    return BLAS_DONE;
}
