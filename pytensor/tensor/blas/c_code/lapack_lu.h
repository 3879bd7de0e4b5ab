/* Kernels that factorize a square matrix with row exchanges: LU, determinants, inverses. */
#ifndef PYTENSOR_LAPACK_LU_H
#define PYTENSOR_LAPACK_LU_H

#include <math.h>

#include "lapack.h"

typedef void getrf_fn(const lapack_int *m, const lapack_int *n, void *a, const lapack_int *lda,
        lapack_int *pivots, lapack_int *info);
/* Both in one: OpenBLAS does not start threads for small systems here, as it does in getrs. */
typedef void gesv_fn(const lapack_int *n, const lapack_int *nrhs, void *a, const lapack_int *lda,
        lapack_int *pivots, void *b, const lapack_int *ldb, lapack_int *info);

/* A factorization in scratch memory: both factors by columns, and what was exchanged. */
typedef struct {
    int64_t n;
    void *factors;
    lapack_int *pivots, info;
} lapack_lu;

BLAS_HELPER void lapack_lu_take(lapack_job *job, lapack_lu *lu, int64_t n)
{
    lu->n = n;
    lu->factors = lapack_take_matrix(job, n, n);
    lu->pivots = lapack_take_ints(job, n);
}

/* Factorize input 0 of this item. */
BLAS_OUTLINE void lapack_factorize(const lapack_job *job, lapack_lu *lu)
{
    const lapack_int n = (lapack_int)lu->n, ld = (lapack_int)at_least_one(n);
    lu->info = 0;
    lapack_load_columns(job, 0, 2, lu->factors);
    if (n > 0)
        LAPACK_CALL(job, getrf)(&n, &n, lu->factors, &ld, lu->pivots, &lu->info);
}

PT_KERNEL(pt_lapack_inverse)
{
    lapack_job job;
    lapack_lu lu;
    int status = lapack_begin(&job, ctx, args, program, "MatrixInverse", 1, 1);
    if (status == PT_OK)
        status = lapack_square(&job, 0, "x");
    if (status == PT_OK)
        status = lapack_needs(&job, LAPACK_gesv, LAPACK_gesv);
    const int64_t order = lapack_length(&job, 0, 0);
    const lapack_int n = (lapack_int)order;
    if (status == PT_OK)
        status = lapack_output(&job, 0, 2, order, order, job.itemsize);
    if (status || n == 0 || job.items == 0)
        return status;
    lapack_lu_take(&job, &lu, n);
    lapack_heavy(&job, 2.7 * (double)n * (double)n * (double)n);
    void *const solution = lapack_take_matrix(&job, n, n);
    if (job.no_memory)
        return lapack_memory(&job);
    const matrix_view inverse = lapack_columns(&job, solution, n, n, n);
    lapack_first(&job);
    for (int64_t k = 0; k < job.items; k++, lapack_next(&job)) {
        lapack_load_columns(&job, 0, 2, lu.factors);
        lapack_identity(&job, &inverse);
        LAPACK_CALL(&job, gesv)(&n, &n, lu.factors, &n, lu.pivots, solution, &n, &lu.info);
        if (lu.info)
            return pt_fail(ctx, PT_LINALG_ERROR, "Singular matrix");
        lapack_store(&job, 0, 2, &inverse);
    }
    return PT_OK;
}

/* A determinant as sign (or phase), size and a power of 2: nothing overflows on the way. */
typedef struct {
    double re, im, size;
    int64_t exponent;
} lapack_product;

BLAS_HELPER void lapack_rescale(lapack_product *d)
{
    int exponent;
    if (d->size > 1e-100 && d->size < 1e100)
        return;
    if (d->size == 0.0 || d->size * 0.0 != 0.0)
        return;
    d->size = frexp(d->size, &exponent);
    d->exponent += exponent;
}

BLAS_OUTLINE lapack_product lapack_diagonal_product(const lapack_job *job, const lapack_lu *lu)
{
    lapack_product d = {1.0, 0.0, 1.0, 0};
    for (int64_t i = 0; i < lu->n; i++) {
        const element_z u = lapack_read(job, (const char *)lu->factors + i * (lu->n + 1) * job->itemsize);
        lapack_product factor = {u.re < 0.0 ? -1.0 : 1.0, 0.0, fabs(u.re), 0};
        if (job->is_complex) {
            factor.size = hypot(u.re, u.im);
            factor.re = factor.size > 0.0 ? u.re / factor.size : 1.0;
            factor.im = factor.size > 0.0 ? u.im / factor.size : 0.0;
        }
        lapack_rescale(&factor);
        const double sign = lu->pivots[i] == i + 1 ? 1.0 : -1.0, re = d.re * factor.re - d.im * factor.im;
        d.im = sign * (d.re * factor.im + d.im * factor.re);
        d.re = sign * re;
        d.size *= factor.size;
        d.exponent += factor.exponent;
        lapack_rescale(&d);
    }
    if (lu->info > 0)
        d = (lapack_product){0.0, 0.0, 0.0, 0};
    return d;
}

/* Own parameter: whether sign and logarithm are wanted. */
PT_KERNEL(pt_lapack_determinant)
{
    lapack_job job;
    lapack_lu lu;
    const bool logarithm = pt_parameters(program)[4];
    int status = lapack_begin(&job, ctx, args, program, logarithm ? "SLogDet" : "Det", 1, logarithm ? 2 : 1);
    if (status == PT_OK)
        status = lapack_square(&job, 0, "x");
    if (status == PT_OK)
        status = lapack_needs(&job, LAPACK_getrf, LAPACK_getrf);
    if (status == PT_OK)
        status = lapack_output(&job, 0, 0, 0, 0, job.itemsize);
    if (status == PT_OK && logarithm)
        status = lapack_output(&job, 1, 0, 0, 0, job.part);
    if (status || job.items == 0)
        return status;
    const int64_t n = lapack_length(&job, 0, 0);
    lapack_lu_take(&job, &lu, n);
    lapack_heavy(&job, 0.7 * (double)n * (double)n * (double)n);
    if (job.no_memory)
        return lapack_memory(&job);
    lapack_first(&job);
    for (int64_t k = 0; k < job.items; k++, lapack_next(&job)) {
        lapack_factorize(&job, &lu);
        const lapack_product d = lapack_diagonal_product(&job, &lu);
        if (logarithm) {
            lapack_write(&job, lapack_out(&job, 0), d.re, d.im);
            lapack_write_part(&job, lapack_out(&job, 1), log(d.size) + (double)d.exponent * log(2.0));
            continue;
        }
        /* More than any exponent of a number, less than an int. */
        const int64_t most = 20000;
        const int exponent = (int)(d.exponent > most ? most : d.exponent < -most ? -most : d.exponent);
        const double size = ldexp(d.size, exponent);
        lapack_write(&job, lapack_out(&job, 0), d.re * size, d.im * size);
    }
    return PT_OK;
}

/* The order of the rows of L @ U in A, or of those of A in L @ U. */
BLAS_OUTLINE void lapack_permutation(
        const lapack_int *pivots, int64_t n, lapack_int *order, lapack_int *inverse)
{
    for (int64_t i = 0; i < n; i++)
        order[i] = (lapack_int)i;
    for (int64_t i = 0; i < n; i++) {
        const lapack_int other = pivots[i] - 1, kept = order[i];
        order[i] = order[other];
        order[other] = kept;
    }
    for (int64_t i = 0; i < n; i++)
        inverse[order[i]] = (lapack_int)i;
}

/* z[i] <- L[rows[i]], the lower factor with ones on its diagonal */
BLAS_OUTLINE void lapack_store_lower(
        const lapack_job *job, const lapack_lu *lu, const lapack_int *rows, const matrix_view *z)
{
    const matrix_view lower = lapack_columns(job, lu->factors, lu->n, lu->n, lu->n);
    lapack_clear(job, &lower, true);
    for (int64_t i = 0; i < lu->n; i++)
        lapack_write(job, lower.data + i * (lower.row_stride + lower.col_stride), 1.0, 0.0);
    if (!rows) {
        copy_matrix(z, &lower, job->itemsize);
        return;
    }
    for (int64_t j = 0; j < lu->n; j += COPY_TILE) {
        const int64_t width = lu->n - j < COPY_TILE ? lu->n - j : COPY_TILE;
        for (int64_t i = 0; i < lu->n; i++)
            copy_line(z->data + i * z->row_stride + j * z->col_stride, z->col_stride,
                    lower.data + rows[i] * lower.row_stride + j * lower.col_stride, lower.col_stride, width,
                    job->itemsize);
    }
}

/* How the permutation is given. */
enum { LU_MATRIX, LU_INDICES, LU_IN_LOWER };

/* P[i, rows[i]] = 1, in real numbers */
BLAS_OUTLINE void lapack_store_permutation(const lapack_job *job, const lapack_int *rows, int64_t n)
{
    const pt_array *const z = job->args[1];
    const int64_t down = z->strides[job->batch], across = z->strides[job->batch + 1];
    char *const at = lapack_out(job, 0);
    for (int64_t i = 0; i < n; i++) {
        memset(at + i * down, 0, (size_t)(n * job->part));
        lapack_write_part(job, at + i * down + rows[i] * across, 1.0);
    }
}

/* Own parameter: how the permutation is given. */
PT_KERNEL(pt_lapack_lu)
{
    lapack_job job;
    lapack_lu lu;
    const int64_t how = pt_parameters(program)[4];
    const int n_out = how == LU_IN_LOWER ? 2 : 3, at_lower = n_out - 2;
    int status = lapack_begin(&job, ctx, args, program, "LU", 1, n_out);
    if (status == PT_OK)
        status = lapack_square(&job, 0, "x");
    if (status == PT_OK)
        status = lapack_needs(&job, LAPACK_getrf, LAPACK_getrf);
    const int64_t n = lapack_length(&job, 0, 0);
    if (status == PT_OK && how == LU_MATRIX)
        status = lapack_output(&job, 0, 2, n, n, job.part);
    if (status == PT_OK && how == LU_INDICES)
        status = lapack_output(&job, 0, 1, n, 0, (int64_t)sizeof(lapack_int));
    for (int o = at_lower; o < n_out && status == PT_OK; o++)
        status = lapack_output(&job, o, 2, n, n, job.itemsize);
    if (status || n == 0 || job.items == 0)
        return status;
    lapack_lu_take(&job, &lu, n);
    lapack_int *const order = lapack_take_ints(&job, n), *const rows = lapack_take_ints(&job, n);
    lapack_heavy(&job, 0.7 * (double)n * (double)n * (double)n);
    if (job.no_memory)
        return lapack_memory(&job);
    lapack_first(&job);
    for (int64_t k = 0; k < job.items; k++, lapack_next(&job)) {
        lapack_factorize(&job, &lu);
        lapack_permutation(lu.pivots, n, order, rows);
        const matrix_view factors = lapack_columns(&job, lu.factors, n, n, n);
        const matrix_view lower = lapack_item(&job, 1 + at_lower, 2), upper = lapack_item(&job, n_out, 2);
        copy_matrix(&upper, &factors, job.itemsize);
        lapack_clear(&job, &upper, false);
        lapack_store_lower(&job, &lu, how == LU_IN_LOWER ? rows : NULL, &lower);
        if (how == LU_MATRIX)
            lapack_store_permutation(&job, rows, n);
        else if (how == LU_INDICES)
            memcpy(lapack_out(&job, 0), rows, (size_t)n * sizeof *rows);
    }
    return PT_OK;
}

PT_KERNEL(pt_lapack_lu_factor)
{
    lapack_job job;
    lapack_lu lu;
    int status = lapack_begin(&job, ctx, args, program, "LUFactor", 1, 2);
    if (status == PT_OK)
        status = lapack_square(&job, 0, "A");
    if (status == PT_OK)
        status = lapack_needs(&job, LAPACK_getrf, LAPACK_getrf);
    const int64_t n = lapack_length(&job, 0, 0);
    if (status == PT_OK)
        status = lapack_output(&job, 0, 2, n, n, job.itemsize);
    if (status == PT_OK)
        status = lapack_output(&job, 1, 1, n, 0, (int64_t)sizeof(lapack_int));
    if (status || n == 0 || job.items == 0)
        return status;
    lapack_lu_take(&job, &lu, n);
    lapack_heavy(&job, 0.7 * (double)n * (double)n * (double)n);
    if (job.no_memory)
        return lapack_memory(&job);
    lapack_first(&job);
    for (int64_t k = 0; k < job.items; k++, lapack_next(&job)) {
        lapack_factorize(&job, &lu);
        const matrix_view factors = lapack_columns(&job, lu.factors, n, n, n);
        lapack_store(&job, 0, 2, &factors);
        lapack_int *const pivots = (lapack_int *)(void *)lapack_out(&job, 1);
        for (int64_t i = 0; i < n; i++)
            pivots[i] = lu.pivots[i] - 1;
    }
    return PT_OK;
}

/* Parameters: dtype of the pivots, whether the order is that of A's rows in L @ U. For one vector. */
PT_KERNEL(pt_pivots_to_permutation)
{
    const int64_t *const p = pt_parameters(program), n = args[0]->shape[0];
    const pt_array *const x = args[0];
    pt_array *const z = args[1];
    z->shape[0] = n;
    const int status = pt_alloc(ctx, z, 1, 8);
    int64_t *const order = pt_scratch(ctx, (n + 1) * 8), *const out = (int64_t *)(void *)z->data;
    if (status || !order)
        return status ? status : pt_fail(ctx, PT_MEMORY, "[PivotToPermutations] no memory");
    for (int64_t i = 0; i < n; i++)
        order[i] = i;
    for (int64_t i = 0; i < n; i++) {
        const int64_t given = pt_read_int(x->data + i * x->strides[0], p[0]);
        const int64_t other = given < 0 ? given + n : given, kept = order[i];
        if (other < 0 || other >= n)
            return pt_fail(ctx, PT_INDEX_ERROR, "index %lld is out of bounds for axis 0 with size %lld",
                    (long long)given, (long long)n);
        order[i] = order[other];
        order[other] = kept;
    }
    for (int64_t i = 0; i < n; i++) {
        if (p[1])
            out[i] = order[i];
        else
            out[order[i]] = i;
    }
    return PT_OK;
}

#endif
