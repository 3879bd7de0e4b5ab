/* Eigenvalues and eigenvectors of symmetric and Hermitian matrices. */
#ifndef PYTENSOR_LAPACK_EIGEN_H
#define PYTENSOR_LAPACK_EIGEN_H

#include "lapack.h"

typedef void syev_fn(const char *jobz, const char *uplo, const lapack_int *n, void *a, const lapack_int *lda,
        void *w, void *work, const lapack_int *lwork, lapack_int *info);
typedef void heev_fn(const char *jobz, const char *uplo, const lapack_int *n, void *a, const lapack_int *lda,
        void *w, void *work, const lapack_int *lwork, void *rwork, lapack_int *info);
typedef void syevd_fn(const char *jobz, const char *uplo, const lapack_int *n, void *a, const lapack_int *lda,
        void *w, void *work, const lapack_int *lwork, lapack_int *iwork, const lapack_int *liwork,
        lapack_int *info);
typedef void heevd_fn(const char *jobz, const char *uplo, const lapack_int *n, void *a, const lapack_int *lda,
        void *w, void *work, const lapack_int *lwork, void *rwork, const lapack_int *lrwork,
        lapack_int *iwork, const lapack_int *liwork, lapack_int *info);
typedef void syevr_fn(const char *jobz, const char *range, const char *uplo, const lapack_int *n, void *a,
        const lapack_int *lda, const void *vl, const void *vu, const lapack_int *il, const lapack_int *iu,
        const void *abstol, lapack_int *m, void *w, void *z, const lapack_int *ldz, lapack_int *isuppz,
        void *work, const lapack_int *lwork, lapack_int *iwork, const lapack_int *liwork, lapack_int *info);
typedef void heevr_fn(const char *jobz, const char *range, const char *uplo, const lapack_int *n, void *a,
        const lapack_int *lda, const void *vl, const void *vu, const lapack_int *il, const lapack_int *iu,
        const void *abstol, lapack_int *m, void *w, void *z, const lapack_int *ldz, lapack_int *isuppz,
        void *work, const lapack_int *lwork, void *rwork, const lapack_int *lrwork, lapack_int *iwork,
        const lapack_int *liwork, lapack_int *info);
typedef void sygvd_fn(const lapack_int *itype, const char *jobz, const char *uplo, const lapack_int *n,
        void *a, const lapack_int *lda, void *b, const lapack_int *ldb, void *w, void *work,
        const lapack_int *lwork, lapack_int *iwork, const lapack_int *liwork, lapack_int *info);
typedef void hegvd_fn(const lapack_int *itype, const char *jobz, const char *uplo, const lapack_int *n,
        void *a, const lapack_int *lda, void *b, const lapack_int *ldb, void *w, void *work,
        const lapack_int *lwork, void *rwork, const lapack_int *lrwork, lapack_int *iwork,
        const lapack_int *liwork, lapack_int *info);

enum { EIGEN_EV, EIGEN_EVD, EIGEN_EVR, EIGEN_GVD };

typedef struct {
    int64_t driver;
    const char *jobz, *uplo;
    lapack_int n, lwork, lrwork, liwork, info;
    void *a, *b, *z, *w, *work, *rwork;
    lapack_int *iwork, *isuppz;
} lapack_eigen;

BLAS_OUTLINE void lapack_eigen_evr(const lapack_job *job, lapack_eigen *e)
{
    const void *const routine = lapack_address(job, LAPACK_syevr);
    const double zero = 0.0;
    const lapack_int first = 1;
    lapack_int found;
    if (job->is_complex)
        ((heevr_fn *)(uintptr_t)routine)(e->jobz, "A", e->uplo, &e->n, e->a, &e->n, &zero, &zero, &first,
                &e->n, &zero, &found, e->w, e->z, &e->n, e->isuppz, e->work, &e->lwork, e->rwork, &e->lrwork,
                e->iwork, &e->liwork, &e->info);
    else
        ((syevr_fn *)(uintptr_t)routine)(e->jobz, "A", e->uplo, &e->n, e->a, &e->n, &zero, &zero, &first,
                &e->n, &zero, &found, e->w, e->z, &e->n, e->isuppz, e->work, &e->lwork, e->iwork, &e->liwork,
                &e->info);
}

BLAS_OUTLINE void lapack_eigen_gvd(const lapack_job *job, lapack_eigen *e)
{
    const void *const routine = lapack_address(job, LAPACK_sygvd);
    const lapack_int type = 1;
    if (job->is_complex)
        ((hegvd_fn *)(uintptr_t)routine)(&type, e->jobz, e->uplo, &e->n, e->a, &e->n, e->b, &e->n, e->w,
                e->work, &e->lwork, e->rwork, &e->lrwork, e->iwork, &e->liwork, &e->info);
    else
        ((sygvd_fn *)(uintptr_t)routine)(&type, e->jobz, e->uplo, &e->n, e->a, &e->n, e->b, &e->n, e->w,
                e->work, &e->lwork, e->iwork, &e->liwork, &e->info);
}

BLAS_OUTLINE void lapack_eigen_run(const lapack_job *job, lapack_eigen *e)
{
    const void *const ev = lapack_address(job, LAPACK_syev), *const evd = lapack_address(job, LAPACK_syevd);
    e->info = 0;
    if (e->driver == EIGEN_EVR)
        lapack_eigen_evr(job, e);
    else if (e->driver == EIGEN_GVD)
        lapack_eigen_gvd(job, e);
    else if (e->driver == EIGEN_EV && job->is_complex)
        ((heev_fn *)(uintptr_t)ev)(
                e->jobz, e->uplo, &e->n, e->a, &e->n, e->w, e->work, &e->lwork, e->rwork, &e->info);
    else if (e->driver == EIGEN_EV)
        ((syev_fn *)(uintptr_t)ev)(e->jobz, e->uplo, &e->n, e->a, &e->n, e->w, e->work, &e->lwork, &e->info);
    else if (job->is_complex)
        ((heevd_fn *)(uintptr_t)evd)(e->jobz, e->uplo, &e->n, e->a, &e->n, e->w, e->work, &e->lwork, e->rwork,
                &e->lrwork, e->iwork, &e->liwork, &e->info);
    else
        ((syevd_fn *)(uintptr_t)evd)(e->jobz, e->uplo, &e->n, e->a, &e->n, e->w, e->work, &e->lwork, e->iwork,
                &e->liwork, &e->info);
}

BLAS_OUTLINE int lapack_eigen_take(lapack_job *job, lapack_eigen *e)
{
    const int64_t n = e->n;
    e->a = lapack_take_matrix(job, n, n);
    e->b = e->driver == EIGEN_GVD ? lapack_take_matrix(job, n, n) : NULL;
    e->z = e->driver == EIGEN_EVR && *e->jobz == 'V' ? lapack_take_matrix(job, n, n) : NULL;
    e->w = lapack_take(job, n, job->part);
    e->isuppz = lapack_take_ints(job, 2 * n);
    if (job->no_memory)
        return lapack_memory(job);
    double work[2] = {0}, rwork[2] = {0};
    lapack_int iwork[2] = {0};
    e->lwork = e->lrwork = e->liwork = -1;
    e->work = work;
    e->rwork = rwork;
    e->iwork = iwork;
    lapack_eigen_run(job, e);
    if (e->driver == EIGEN_EV) {
        e->lrwork = 3 * e->n;
        e->liwork = 1;
    } else {
        e->lrwork = job->is_complex
                            ? (lapack_int)(lapack_read_part(job, (const char *)rwork) * (1.0 + 1e-6)) + 1
                            : 1;
        e->liwork = iwork[0];
    }
    e->rwork = lapack_take(job, e->lrwork, job->part);
    e->iwork = lapack_take_ints(job, e->liwork);
    return lapack_take_work(job, work, &e->work, &e->lwork);
}

/* The words of scipy.linalg.eigh. */
BLAS_OUTLINE int lapack_eigen_failed(const lapack_job *job, const lapack_eigen *e)
{
    const int info = (int)e->info;
    if (info < 0)
        return pt_fail(job->ctx, PT_LINALG_ERROR, "Illegal value in argument %d of internal %s", -info,
                e->driver == EIGEN_GVD   ? "gvd"
                : e->driver == EIGEN_EVR ? "evr"
                : e->driver == EIGEN_EV  ? "ev"
                                         : "evd");
    if (info > e->n)
        return pt_fail(job->ctx, PT_LINALG_ERROR,
                "The leading minor of order %d of B is not positive definite. The factorization of B could "
                "not "
                "be completed and no eigenvalues or eigenvectors were computed.",
                info - (int)e->n);
    if (*e->jobz == 'V' && e->driver != EIGEN_EV && e->driver != EIGEN_EVR)
        return pt_fail(job->ctx, PT_LINALG_ERROR,
                "The algorithm failed to compute an eigenvalue while working on the submatrix lying in rows "
                "and "
                "columns %d/%d through mod(%d,%d).",
                info, (int)e->n + 1, info, (int)e->n + 1);
    if (e->driver == EIGEN_EVR)
        return pt_fail(job->ctx, PT_LINALG_ERROR, "Internal Error.");
    return pt_fail(job->ctx, PT_LINALG_ERROR,
            "The algorithm failed to converge; %d off-diagonal elements of an intermediate tridiagonal form "
            "did "
            "not converge to zero.",
            info);
}

/* Own parameters: driver, lower, whether vectors are wanted; a second input is the matrix on the right. */
BLAS_OUTLINE int lapack_eigen_kernel(
        pt_ctx *ctx, pt_array *const *args, const void *program, int n_in, const char *op, bool vectors)
{
    lapack_job job;
    int status = lapack_begin(&job, ctx, args, program, op, n_in, vectors ? 2 : 1);
    for (int i = 0; i < n_in && status == PT_OK; i++)
        status = lapack_square(&job, i, i ? "b" : "a");
    const int64_t n = lapack_length(&job, 0, 0);
    if (status == PT_OK && n_in == 2 && lapack_length(&job, 1, 0) != n)
        status = pt_fail(ctx, PT_VALUE_ERROR, "wrong b dimensions (%lld, %lld), should be (%lld, %lld)",
                (long long)lapack_length(&job, 1, 0), (long long)lapack_length(&job, 1, 0), (long long)n,
                (long long)n);
    if (status == PT_OK)
        status = lapack_output(&job, 0, 1, n, 0, job.part);
    if (status == PT_OK && vectors)
        status = lapack_output(&job, 1, 2, n, n, job.itemsize);
    if (status || n == 0 || job.items == 0)
        return status;
    lapack_eigen e = {.driver = job.p[0], .jobz = vectors ? "V" : "N", .uplo = job.p[1] ? "L" : "U"};
    static const int routine[] = {LAPACK_syev, LAPACK_syevd, LAPACK_syevr, LAPACK_sygvd};
    e.n = (lapack_int)n;
    status = lapack_needs(&job, routine[e.driver], routine[e.driver]);
    if (status == PT_OK)
        status = lapack_eigen_take(&job, &e);
    if (status)
        return status;
    lapack_heavy(&job, (vectors ? 9.0 : 2.0) * (double)n * (double)n * (double)n);
    lapack_first(&job);
    for (int64_t k = 0; k < job.items; k++, lapack_next(&job)) {
        lapack_load_columns(&job, 0, 2, e.a);
        if (n_in == 2)
            lapack_load_columns(&job, 1, 2, e.b);
        /* LAPACK would leave its results as they were. */
        if (!lapack_is_finite(&job, e.a, n * n) || (n_in == 2 && !lapack_is_finite(&job, e.b, n * n)))
            return pt_fail(ctx, PT_VALUE_ERROR, "array must not contain infs or NaNs");
        lapack_eigen_run(&job, &e);
        if (e.info)
            return lapack_eigen_failed(&job, &e);
        memcpy(lapack_out(&job, 0), e.w, (size_t)(n * job.part));
        if (vectors) {
            const matrix_view v = lapack_columns(&job, e.z ? e.z : e.a, n, n, n);
            lapack_store(&job, 1, 2, &v);
        }
    }
    return PT_OK;
}

PT_KERNEL(pt_lapack_eigh)
{
    return lapack_eigen_kernel(ctx, args, program, 1, "Eigh", true);
}

PT_KERNEL(pt_lapack_eigvalsh)
{
    return lapack_eigen_kernel(ctx, args, program, 1, "Eigvalsh", false);
}

PT_KERNEL(pt_lapack_eigh_of_two)
{
    return lapack_eigen_kernel(ctx, args, program, 2, "Eigh", true);
}

PT_KERNEL(pt_lapack_eigvalsh_of_two)
{
    return lapack_eigen_kernel(ctx, args, program, 2, "Eigvalsh", false);
}

#endif
