/* Least squares by singular values. */
#ifndef PYTENSOR_LAPACK_LSTSQ_H
#define PYTENSOR_LAPACK_LSTSQ_H

#include "lapack.h"

typedef void gelsd_fn(const lapack_int *m, const lapack_int *n, const lapack_int *nrhs, void *a,
        const lapack_int *lda, void *b, const lapack_int *ldb, void *s, const void *rcond, lapack_int *rank,
        void *work, const lapack_int *lwork, lapack_int *iwork, lapack_int *info);
typedef void complex_gelsd_fn(const lapack_int *m, const lapack_int *n, const lapack_int *nrhs, void *a,
        const lapack_int *lda, void *b, const lapack_int *ldb, void *s, const void *rcond, lapack_int *rank,
        void *work, const lapack_int *lwork, void *rwork, lapack_int *iwork, lapack_int *info);

typedef struct {
    lapack_int m, n, nrhs, k, ld, rank, lwork, info;
    void *a, *b, *s, *work, *rwork;
    lapack_int *iwork;
    double rcond;
} lapack_least;

BLAS_OUTLINE void lapack_gelsd(const lapack_job *job, lapack_least *l)
{
    const void *const routine = lapack_address(job, LAPACK_gelsd);
    const lapack_int lda = (lapack_int)at_least_one(l->m);
    double rcond = l->rcond;
    const float short_rcond = (float)rcond;
    const void *const limit = job->part == 8 ? (const void *)&rcond : (const void *)&short_rcond;
    if (job->is_complex)
        ((complex_gelsd_fn *)(uintptr_t)routine)(&l->m, &l->n, &l->nrhs, l->a, &lda, l->b, &l->ld, l->s,
                limit, &l->rank, l->work, &l->lwork, l->rwork, l->iwork, &l->info);
    else
        ((gelsd_fn *)(uintptr_t)routine)(&l->m, &l->n, &l->nrhs, l->a, &lda, l->b, &l->ld, l->s, limit,
                &l->rank, l->work, &l->lwork, l->iwork, &l->info);
}

BLAS_OUTLINE int lapack_least_take(lapack_job *job, lapack_least *l)
{
    l->a = lapack_take_matrix(job, l->m, l->n);
    l->b = lapack_take_matrix(job, l->ld, l->nrhs);
    l->s = lapack_take(job, l->k, job->part);
    if (l->k == 0 || job->no_memory)
        return lapack_memory(job);
    double work[2] = {0}, rwork[2] = {0};
    lapack_int iwork[2] = {0};
    l->work = work;
    l->rwork = rwork;
    l->iwork = iwork;
    l->lwork = -1;
    lapack_gelsd(job, l);
    const int64_t reals = (int64_t)(lapack_read_part(job, (const char *)rwork) * (1.0 + 1e-6)) + 1;
    l->rwork = lapack_take(job, reals, job->part);
    l->iwork = lapack_take_ints(job, iwork[0]);
    return lapack_take_work(job, work, &l->work, &l->lwork);
}

/* Sums of squares of what is not explained: the rows of b behind the solution. */
BLAS_OUTLINE int lapack_least_residuals(lapack_job *job, const lapack_least *l, int64_t columns)
{
    const bool there = l->rank == l->n && l->m > l->n;
    const int status = lapack_output(job, 1, 1, there ? columns : 0, 0, job->part);
    for (int64_t j = 0; there && j < columns && status == PT_OK; j++) {
        double sum = 0.0;
        for (int64_t i = l->n; i < l->m; i++) {
            const element_z e = lapack_read(job, (const char *)l->b + (j * l->ld + i) * job->itemsize);
            sum += e.re * e.re + e.im * e.im;
        }
        lapack_write_part(job, job->args[job->n_in + 1]->data + j * job->part, sum);
    }
    return status;
}

/* Own parameters: dtype of rcond, axes of y. There is no batch. */
PT_KERNEL(pt_lapack_lstsq)
{
    lapack_job job;
    lapack_least l = {0};
    int status = lapack_begin(&job, ctx, args, program, "Lstsq", 3, 4);
    const int y_ndim = (int)job.p[1];
    const int64_t m = args[0]->shape[0], n = args[0]->shape[1], columns = y_ndim == 2 ? args[1]->shape[1] : 1;
    if (status == PT_OK && args[1]->shape[0] != m)
        status = pt_fail(ctx, PT_LINALG_ERROR, "Incompatible dimensions");
    if (status == PT_OK)
        status = lapack_fits(&job, m > columns ? m : columns, n);
    if (status == PT_OK)
        status = lapack_needs(&job, LAPACK_gelsd, LAPACK_gelsd);
    l.m = (lapack_int)m;
    l.n = (lapack_int)n;
    l.k = l.m < l.n ? l.m : l.n;
    l.ld = (lapack_int)at_least_one(m > n ? m : n);
    l.nrhs = (lapack_int)at_least_one(columns);
    l.rcond = job.p[0] == PT_F32   ? load_s(args[2]->data)
              : job.p[0] == PT_F64 ? load_d(args[2]->data)
                                   : (double)pt_read_int(args[2]->data, job.p[0]);
    if (status == PT_OK)
        status = lapack_output(&job, 0, y_ndim, n, columns, job.itemsize);
    if (status == PT_OK)
        status = lapack_output(&job, 2, 0, 0, 0, (int64_t)sizeof(lapack_int));
    if (status == PT_OK)
        status = lapack_output(&job, 3, 1, l.k, 0, job.part);
    if (status == PT_OK)
        status = lapack_least_take(&job, &l);
    if (status)
        return status;
    lapack_heavy(&job, 8.0 * (double)m * (double)n * (double)l.k);
    lapack_first(&job);
    matrix_view x = lapack_item(&job, 3, y_ndim);
    const matrix_view y = lapack_columns(&job, l.b, m, columns, l.ld);
    memset(l.b, 0, (size_t)((int64_t)l.ld * l.nrhs * job.itemsize));
    lapack_load(&job, 1, y_ndim, &y);
    if (l.k > 0) {
        lapack_load_columns(&job, 0, 2, l.a);
        l.info = 1;
        if (lapack_is_finite(&job, l.a, m * n))
            lapack_gelsd(&job, &l);
        if (l.info)
            return pt_fail(ctx, PT_LINALG_ERROR, "SVD did not converge in Linear Least Squares");
        const matrix_view solution = lapack_columns(&job, l.b, n, columns, l.ld);
        copy_matrix(&x, &solution, job.itemsize);
        memcpy(args[6]->data, l.s, (size_t)(l.k * job.part));
    } else {
        lapack_fill(&job, &x, 0.0);
    }
    memcpy(args[5]->data, &l.rank, sizeof l.rank);
    return lapack_least_residuals(&job, &l, columns);
}

#endif
