/* Factors of tridiagonal matrices, and systems solved with them. */
#ifndef PYTENSOR_LAPACK_TRIDIAGONAL_H
#define PYTENSOR_LAPACK_TRIDIAGONAL_H

#include "lapack.h"

typedef void gttrf_fn(
        const lapack_int *n, void *dl, void *d, void *du, void *du2, lapack_int *pivots, lapack_int *info);
typedef void gttrs_fn(const char *trans, const lapack_int *n, const lapack_int *nrhs, const void *dl,
        const void *d, const void *du, const void *du2, const lapack_int *pivots, void *b,
        const lapack_int *ldb, lapack_int *info);

/* Input number i must have `wanted` elements. */
BLAS_OUTLINE int lapack_diagonal(const lapack_job *job, int i, const char *name, int64_t wanted)
{
    const int64_t length = lapack_length(job, i, 0);
    if (length == (wanted > 0 ? wanted : 0))
        return PT_OK;
    return pt_fail(job->ctx, PT_VALUE_ERROR, "[%s] %s must have %lld elements, got %lld", job->op, name,
            (long long)wanted, (long long)length);
}

PT_KERNEL(pt_lapack_tridiagonal_factor)
{
    lapack_job job;
    int status = lapack_begin(&job, ctx, args, program, "LUFactorTridiagonal", 3, 5);
    const int64_t order = lapack_length(&job, 1, 0), beside = order > 1 ? order - 1 : 0;
    const int64_t lengths[] = {beside, order, beside, beside > 1 ? beside - 1 : 0};
    if (status == PT_OK)
        status = lapack_fits(&job, order, 1);
    if (status == PT_OK)
        status = lapack_diagonal(&job, 0, "dl", beside);
    if (status == PT_OK)
        status = lapack_diagonal(&job, 2, "du", beside);
    if (status == PT_OK)
        status = lapack_needs(&job, LAPACK_gttrf, LAPACK_gttrf);
    for (int o = 0; o < 4 && status == PT_OK; o++)
        status = lapack_output(&job, o, 1, lengths[o], 0, job.itemsize);
    if (status == PT_OK)
        status = lapack_output(&job, 4, 1, order, 0, (int64_t)sizeof(lapack_int));
    if (status || order == 0)
        return status;
    const lapack_int n = (lapack_int)order;
    lapack_heavy(&job, 20.0 * (double)n);
    lapack_first(&job);
    for (int64_t k = 0; k < job.items; k++, lapack_next(&job)) {
        lapack_int info = 0;
        for (int i = 0; i < 3; i++) {
            const matrix_view z = lapack_item(&job, 3 + i, 1);
            lapack_load(&job, i, 1, &z);
        }
        LAPACK_CALL(&job, gttrf)
        (&n, lapack_out(&job, 0), lapack_out(&job, 1), lapack_out(&job, 2), lapack_out(&job, 3),
                (lapack_int *)(void *)lapack_out(&job, 4), &info);
    }
    return PT_OK;
}

/* The pivots must be places in the matrix: LAPACK would follow them anywhere. */
BLAS_OUTLINE int lapack_load_pivots(
        const lapack_job *job, int i, int64_t dtype, lapack_int *pivots, int64_t n)
{
    const matrix_view from = lapack_item(job, i, 1);
    for (int64_t k = 0; k < n; k++) {
        const int64_t pivot = pt_read_int(from.data + k * from.row_stride, dtype);
        if (pivot < 1 || pivot > n)
            return pt_fail(job->ctx, PT_VALUE_ERROR, "[%s] ipiv must lie between 1 and %lld, got %lld",
                    job->op, (long long)n, (long long)pivot);
        pivots[k] = (lapack_int)pivot;
    }
    return PT_OK;
}

/* Own parameters: dtype of the pivots, axes of b, transposed. */
PT_KERNEL(pt_lapack_tridiagonal_solve)
{
    lapack_job job;
    static const char *const names[] = {"dl", "d", "du", "du2", "ipiv", "b"};
    int status = lapack_begin(&job, ctx, args, program, "SolveLUFactorTridiagonal", 6, 1);
    const int b_ndim = (int)job.p[1];
    const int64_t order = lapack_length(&job, 1, 0), columns = b_ndim == 2 ? lapack_length(&job, 5, 1) : 1;
    const int64_t lengths[] = {order - 1, order, order - 1, order - 2, order, order};
    for (int i = 0; i < 6 && status == PT_OK; i++)
        status = lapack_diagonal(&job, i, names[i], lengths[i]);
    if (status == PT_OK)
        status = lapack_fits(&job, order, columns);
    if (status == PT_OK)
        status = lapack_needs(&job, LAPACK_gttrs, LAPACK_gttrs);
    if (status == PT_OK)
        status = lapack_output(&job, 0, b_ndim, order, columns, job.itemsize);
    if (status || order == 0 || columns == 0 || job.items == 0)
        return status;
    const lapack_int n = (lapack_int)order, nrhs = (lapack_int)columns;
    char *const lines = lapack_take_matrix(&job, n, 4);
    lapack_int *const pivots = lapack_take_ints(&job, n);
    void *const buffer = columns > 1 ? lapack_take_matrix(&job, n, columns) : NULL;
    if (job.no_memory)
        return lapack_memory(&job);
    lapack_heavy(&job, 10.0 * (double)n * (double)columns);
    lapack_first(&job);
    for (int64_t k = 0; k < job.items; k++, lapack_next(&job)) {
        lapack_int info = 0;
        char *line[4];
        for (int i = 0; i < 4; i++) {
            line[i] = lines + i * n * job.itemsize;
            lapack_load_columns(&job, i, 1, line[i]);
        }
        status = lapack_load_pivots(&job, 4, job.p[0], pivots, n);
        if (status)
            return status;
        void *const data = buffer ? buffer : lapack_out(&job, 0);
        const matrix_view x = lapack_load_columns(&job, 5, b_ndim, data);
        LAPACK_CALL(&job, gttrs)
        (job.p[2] ? "T" : "N", &n, &nrhs, line[0], line[1], line[2], line[3], pivots, data, &n, &info);
        lapack_store(&job, 0, b_ndim, &x);
    }
    return PT_OK;
}

#endif
