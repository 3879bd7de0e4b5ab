/* Eigenvalues and Schur forms of general matrices. */
#ifndef PYTENSOR_LAPACK_SCHUR_H
#define PYTENSOR_LAPACK_SCHUR_H

#include "lapack.h"

typedef void geev_fn(const char *jobvl, const char *jobvr, const lapack_int *n, void *a,
        const lapack_int *lda, void *wr, void *wi, void *vl, const lapack_int *ldvl, void *vr,
        const lapack_int *ldvr, void *work, const lapack_int *lwork, lapack_int *info);
typedef void complex_geev_fn(const char *jobvl, const char *jobvr, const lapack_int *n, void *a,
        const lapack_int *lda, void *w, void *vl, const lapack_int *ldvl, void *vr, const lapack_int *ldvr,
        void *work, const lapack_int *lwork, void *rwork, lapack_int *info);
/* Nothing is sorted: the function that would select is never called. */
typedef void gees_fn(const char *jobvs, const char *sort, void *select, const lapack_int *n, void *a,
        const lapack_int *lda, lapack_int *sdim, void *wr, void *wi, void *vs, const lapack_int *ldvs,
        void *work, const lapack_int *lwork, lapack_int *bwork, lapack_int *info);
typedef void complex_gees_fn(const char *jobvs, const char *sort, void *select, const lapack_int *n, void *a,
        const lapack_int *lda, lapack_int *sdim, void *w, void *vs, const lapack_int *ldvs, void *work,
        const lapack_int *lwork, void *rwork, lapack_int *bwork, lapack_int *info);

/* Eigenvalues w (two lines for real matrices: real and imaginary parts) and the matrix of vectors. */
typedef struct {
    lapack_int n, lwork, info;
    void *a, *w, *v, *work, *rwork;
    lapack_int *bwork;
} lapack_schur;

BLAS_OUTLINE void lapack_geev(const lapack_job *job, lapack_schur *s, void *work)
{
    const void *const routine = lapack_address(job, LAPACK_geev);
    if (job->is_complex)
        ((complex_geev_fn *)(uintptr_t)routine)("N", "V", &s->n, s->a, &s->n, s->w, NULL, &s->n, s->v, &s->n,
                work, &s->lwork, s->rwork, &s->info);
    else
        ((geev_fn *)(uintptr_t)routine)("N", "V", &s->n, s->a, &s->n, s->w, (char *)s->w + s->n * job->part,
                NULL, &s->n, s->v, &s->n, work, &s->lwork, &s->info);
}

BLAS_OUTLINE void lapack_gees(const lapack_job *job, lapack_schur *s, void *work)
{
    const void *const routine = lapack_address(job, LAPACK_gees);
    lapack_int found = 0;
    if (job->is_complex)
        ((complex_gees_fn *)(uintptr_t)routine)("V", "N", NULL, &s->n, s->a, &s->n, &found, s->w, s->v, &s->n,
                work, &s->lwork, s->rwork, s->bwork, &s->info);
    else
        ((gees_fn *)(uintptr_t)routine)("V", "N", NULL, &s->n, s->a, &s->n, &found, s->w,
                (char *)s->w + s->n * job->part, s->v, &s->n, work, &s->lwork, s->bwork, &s->info);
}

typedef void lapack_schur_routine(const lapack_job *job, lapack_schur *s, void *work);

BLAS_OUTLINE int lapack_schur_take(lapack_job *job, lapack_schur *s, int64_t n, lapack_schur_routine *run)
{
    s->n = (lapack_int)n;
    s->a = lapack_take_matrix(job, n, n);
    s->v = lapack_take_matrix(job, n, n);
    s->w = lapack_take(job, 2 * n, job->part);
    s->rwork = lapack_take(job, 2 * n, job->part);
    s->bwork = lapack_take_ints(job, n);
    s->lwork = -1;
    if (job->no_memory)
        return lapack_memory(job);
    double answer[2] = {0};
    run(job, s, answer);
    return lapack_take_work(job, answer, &s->work, &s->lwork);
}

/* Write a complex number of the precision at hand. */
BLAS_HELPER void lapack_write_pair(const lapack_job *job, char *at, double re, double im)
{
    lapack_write_part(job, at, re);
    lapack_write_part(job, at + job->part, im);
}

/* Columns of real matrices stand for the real and imaginary parts of the vectors of two conjugate values. */
BLAS_OUTLINE void lapack_eig_store_real(const lapack_job *job, const lapack_schur *s)
{
    const int64_t n = s->n, part = job->part;
    const char *const re = s->w, *const im = re + n * part, *const v = s->v;
    char *const values = lapack_out(job, 0), *const vectors = lapack_out(job, 1);
    for (int64_t j = 0; j < n; j++) {
        const double turn = lapack_read_part(job, im + j * part);
        lapack_write_pair(job, values + 2 * j * part, lapack_read_part(job, re + j * part), turn);
        if (turn < 0.0 && j > 0)
            continue; /* written with the one before */
        for (int64_t i = 0; i < n; i++) {
            char *const to = vectors + 2 * (i * n + j) * part;
            const double x = lapack_read_part(job, v + (j * n + i) * part);
            const bool pair = turn != 0.0 && j + 1 < n;
            const double y = pair ? lapack_read_part(job, v + ((j + 1) * n + i) * part) : 0.0;
            lapack_write_pair(job, to, x, y);
            if (pair)
                lapack_write_pair(job, to + 2 * part, x, -y);
        }
    }
}

/* numpy.linalg.eig looks at the whole batch first. */
BLAS_OUTLINE int lapack_eig_finite(lapack_job *job, void *buffer, int64_t n)
{
    bool finite = true;
    lapack_first(job);
    for (int64_t k = 0; k < job->items && finite; k++, lapack_next(job)) {
        lapack_load_columns(job, 0, 2, buffer);
        finite = lapack_is_finite(job, buffer, n * n);
    }
    for (int d = 0; d < job->batch; d++)
        job->index[d] = 0;
    return finite ? PT_OK : pt_fail(job->ctx, PT_LINALG_ERROR, "Array must not contain infs or NaNs");
}

PT_KERNEL(pt_lapack_eig)
{
    lapack_job job;
    lapack_schur s = {0};
    int status = lapack_begin(&job, ctx, args, program, "Eig", 1, 2);
    const int64_t n = lapack_length(&job, 0, 0);
    if (status == PT_OK)
        status = lapack_square(&job, 0, "x");
    if (status == PT_OK)
        status = lapack_needs(&job, LAPACK_geev, LAPACK_geev);
    for (int o = 0; o < 2 && status == PT_OK; o++)
        status = lapack_output(&job, o, o + 1, n, n, 2 * job.part);
    if (status || n == 0 || job.items == 0)
        return status;
    lapack_heavy(&job, 25.0 * (double)n * (double)n * (double)n);
    status = lapack_schur_take(&job, &s, n, lapack_geev);
    if (status == PT_OK)
        status = lapack_eig_finite(&job, s.a, n);
    if (status)
        return status;
    lapack_first(&job);
    for (int64_t k = 0; k < job.items; k++, lapack_next(&job)) {
        lapack_load_columns(&job, 0, 2, s.a);
        lapack_geev(&job, &s, s.work);
        if (s.info)
            return pt_fail(ctx, PT_LINALG_ERROR, "Eigenvalues did not converge");
        if (!job.is_complex) {
            lapack_eig_store_real(&job, &s);
            continue;
        }
        const matrix_view v = lapack_columns(&job, s.v, n, n, n);
        memcpy(lapack_out(&job, 0), s.w, (size_t)(n * job.itemsize));
        lapack_store(&job, 1, 2, &v);
    }
    return PT_OK;
}

PT_KERNEL(pt_lapack_schur)
{
    lapack_job job;
    lapack_schur s = {0};
    int status = lapack_begin(&job, ctx, args, program, "Schur", 1, 2);
    const int64_t n = lapack_length(&job, 0, 0);
    if (status == PT_OK)
        status = lapack_square(&job, 0, "A");
    if (status == PT_OK)
        status = lapack_needs(&job, LAPACK_gees, LAPACK_gees);
    for (int o = 0; o < 2 && status == PT_OK; o++)
        status = lapack_output(&job, o, 2, n, n, job.itemsize);
    if (status || n == 0 || job.items == 0)
        return status;
    lapack_heavy(&job, 25.0 * (double)n * (double)n * (double)n);
    status = lapack_schur_take(&job, &s, n, lapack_gees);
    if (status)
        return status;
    lapack_first(&job);
    for (int64_t k = 0; k < job.items; k++, lapack_next(&job)) {
        const matrix_view t = lapack_load_columns(&job, 0, 2, s.a);
        const matrix_view z = lapack_columns(&job, s.v, n, n, n);
        if (lapack_is_finite(&job, s.a, n * n)) {
            lapack_gees(&job, &s, s.work);
        } else {
            /* LAPACK would look for eigenvalues of NaN for ever. */
            lapack_fill(&job, &t, __builtin_nan(""));
            lapack_fill(&job, &z, __builtin_nan(""));
        }
        if (s.info)
            return pt_fail(ctx, PT_LINALG_ERROR, "Schur form not found. Possibly ill-conditioned.");
        lapack_store(&job, 0, 2, &t);
        lapack_store(&job, 1, 2, &z);
    }
    return PT_OK;
}

#endif
