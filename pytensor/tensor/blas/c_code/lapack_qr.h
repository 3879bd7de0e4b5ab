/* QR factorization, with or without exchanged columns. */
#ifndef PYTENSOR_LAPACK_QR_H
#define PYTENSOR_LAPACK_QR_H

#include "lapack.h"

typedef void geqrf_fn(const lapack_int *m, const lapack_int *n, void *a, const lapack_int *lda, void *tau,
        void *work, const lapack_int *lwork, lapack_int *info);
typedef void geqp3_fn(const lapack_int *m, const lapack_int *n, void *a, const lapack_int *lda,
        lapack_int *pivots, void *tau, void *work, const lapack_int *lwork, lapack_int *info);
typedef void complex_geqp3_fn(const lapack_int *m, const lapack_int *n, void *a, const lapack_int *lda,
        lapack_int *pivots, void *tau, void *work, const lapack_int *lwork, void *rwork, lapack_int *info);
typedef void orgqr_fn(const lapack_int *m, const lapack_int *n, const lapack_int *k, void *a,
        const lapack_int *lda, const void *tau, void *work, const lapack_int *lwork, lapack_int *info);

/* Which parts are wanted. */
enum { QR_FULL, QR_ECONOMIC, QR_R, QR_RAW };

typedef struct {
    int64_t mode;
    bool pivoting, has_q;
    lapack_int m, n, k, q_cols, lwork, info;
    void *a, *tau, *work, *rwork;
    lapack_int *pivots;
} lapack_qr;

BLAS_OUTLINE void lapack_qr_factorize(const lapack_job *job, lapack_qr *q, void *work)
{
    const lapack_int ld = (lapack_int)at_least_one(q->m);
    if (!q->pivoting) {
        LAPACK_CALL(job, geqrf)(&q->m, &q->n, q->a, &ld, q->tau, work, &q->lwork, &q->info);
        return;
    }
    memset(q->pivots, 0, (size_t)q->n * sizeof *q->pivots);
    const void *const routine = lapack_address(job, LAPACK_geqp3);
    if (job->is_complex)
        ((complex_geqp3_fn *)(uintptr_t)routine)(
                &q->m, &q->n, q->a, &ld, q->pivots, q->tau, work, &q->lwork, q->rwork, &q->info);
    else
        ((geqp3_fn *)(uintptr_t)routine)(
                &q->m, &q->n, q->a, &ld, q->pivots, q->tau, work, &q->lwork, &q->info);
}

BLAS_HELPER void lapack_qr_orthogonal(const lapack_job *job, lapack_qr *q, void *work)
{
    const lapack_int ld = (lapack_int)at_least_one(q->m);
    LAPACK_CALL(job, orgqr)
    (&q->m, &q->q_cols, &q->k, q->a, &ld, q->tau, work, &q->lwork, &q->info);
}

BLAS_OUTLINE int lapack_qr_take(lapack_job *job, lapack_qr *q)
{
    const int64_t cols = q->has_q && q->q_cols > q->n ? q->q_cols : q->n;
    q->a = lapack_take_matrix(job, q->m, cols);
    q->tau = lapack_take(job, q->k, job->itemsize);
    q->pivots = lapack_take_ints(job, q->n);
    q->rwork = lapack_take(job, 2 * (int64_t)q->n, job->part);
    if (job->no_memory)
        return lapack_memory(job);
    double first[2] = {0}, second[2] = {0};
    q->lwork = -1;
    lapack_qr_factorize(job, q, first);
    if (q->has_q)
        lapack_qr_orthogonal(job, q, second);
    const double one = lapack_read_part(job, (const char *)first);
    const double other = lapack_read_part(job, (const char *)second);
    return lapack_take_work(job, other > one ? second : first, &q->work, &q->lwork);
}

BLAS_OUTLINE int lapack_qr_outputs(lapack_job *job, const lapack_qr *q)
{
    int o = 0, status = PT_OK;
    const bool short_r = q->mode == QR_ECONOMIC || q->mode == QR_RAW;
    if (q->has_q)
        status = lapack_output(job, o++, 2, q->m, q->q_cols, job->itemsize);
    if (status == PT_OK && q->mode == QR_RAW) {
        status = lapack_output(job, o++, 2, q->m, q->n, job->itemsize);
        if (status == PT_OK)
            status = lapack_output(job, o++, 1, q->k, 0, job->itemsize);
    }
    if (status == PT_OK)
        status = lapack_output(job, o++, 2, short_r ? q->k : q->m, q->n, job->itemsize);
    if (status == PT_OK && q->pivoting)
        status = lapack_output(job, o, 1, q->n, 0, (int64_t)sizeof(lapack_int));
    return status;
}

/* Write what is wanted of the factorization of this item. */
BLAS_OUTLINE void lapack_qr_store(const lapack_job *job, lapack_qr *q)
{
    int o = q->has_q ? 1 : 0;
    if (q->mode == QR_RAW) {
        const matrix_view whole = lapack_columns(job, q->a, q->m, q->n, q->m);
        lapack_store(job, o++, 2, &whole);
        memcpy(lapack_out(job, o++), q->tau, (size_t)(q->k * job->itemsize));
    }
    const matrix_view r = lapack_item(job, 1 + o, 2);
    const matrix_view from = lapack_columns(job, q->a, r.rows, q->n, q->m);
    copy_matrix(&r, &from, job->itemsize);
    lapack_clear(job, &r, false);
    if (q->pivoting) {
        lapack_int *const p = (lapack_int *)(void *)lapack_out(job, o + 1);
        for (int64_t j = 0; j < q->n; j++)
            p[j] = q->pivots[j] - 1;
    }
    if (!q->has_q)
        return;
    lapack_qr_orthogonal(job, q, q->work);
    const matrix_view columns = lapack_columns(job, q->a, q->m, q->q_cols, q->m);
    lapack_store(job, 0, 2, &columns);
}

/* A matrix without rows or columns: Q is the identity, nothing is exchanged. */
BLAS_OUTLINE void lapack_qr_empty(const lapack_job *job, const lapack_qr *q)
{
    if (q->has_q) {
        const matrix_view z = lapack_item(job, 1, 2);
        lapack_identity(job, &z);
    }
    if (q->pivoting) {
        lapack_int *const p = (lapack_int *)(void *)job->w[job->n - 1].at;
        for (int64_t j = 0; j < q->n; j++)
            p[j] = (lapack_int)j;
    }
}

/* Own parameters: mode, pivoting. */
PT_KERNEL(pt_lapack_qr)
{
    lapack_job job;
    const int64_t *const own = pt_parameters(program) + 4;
    lapack_qr q = {.mode = own[0], .pivoting = own[1], .has_q = own[0] == QR_FULL || own[0] == QR_ECONOMIC};
    const int n_out = (q.has_q ? 2 : q.mode == QR_RAW ? 3 : 1) + q.pivoting;
    int status = lapack_begin(&job, ctx, args, program, "QR", 1, n_out);
    const int64_t m = lapack_length(&job, 0, 0), n = lapack_length(&job, 0, 1);
    if (status == PT_OK)
        status = lapack_fits(&job, m, n);
    if (status == PT_OK)
        status = lapack_needs(&job, q.pivoting ? LAPACK_geqp3 : LAPACK_geqrf, LAPACK_orgqr);
    q.m = (lapack_int)m;
    q.n = (lapack_int)n;
    q.k = q.m < q.n ? q.m : q.n;
    q.q_cols = q.mode == QR_FULL ? q.m : q.k;
    if (status == PT_OK)
        status = lapack_qr_outputs(&job, &q);
    if (status || job.items == 0)
        return status;
    if (q.k > 0)
        status = lapack_qr_take(&job, &q);
    if (status)
        return status;
    lapack_heavy(&job, (q.has_q ? 4.0 : 2.0) * (double)m * (double)q.k * (double)(q.q_cols > n ? m : n));
    lapack_first(&job);
    for (int64_t k = 0; k < job.items; k++, lapack_next(&job)) {
        if (q.k == 0) {
            lapack_qr_empty(&job, &q);
            continue;
        }
        lapack_load_columns(&job, 0, 2, q.a);
        lapack_qr_factorize(&job, &q, q.work);
        lapack_qr_store(&job, &q);
    }
    return PT_OK;
}

#endif
