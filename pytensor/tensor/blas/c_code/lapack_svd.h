/* Singular values and vectors, and the pseudo-inverse. */
#ifndef PYTENSOR_LAPACK_SVD_H
#define PYTENSOR_LAPACK_SVD_H

#include "lapack.h"

typedef void gesdd_fn(const char *jobz, const lapack_int *m, const lapack_int *n, void *a,
        const lapack_int *lda, void *s, void *u, const lapack_int *ldu, void *vh, const lapack_int *ldvh,
        void *work, const lapack_int *lwork, lapack_int *iwork, lapack_int *info);
typedef void complex_gesdd_fn(const char *jobz, const lapack_int *m, const lapack_int *n, void *a,
        const lapack_int *lda, void *s, void *u, const lapack_int *ldu, void *vh, const lapack_int *ldvh,
        void *work, const lapack_int *lwork, void *rwork, lapack_int *iwork, lapack_int *info);

/* Which vectors are wanted: none, those of singular values, a basis of everything. */
enum { SVD_VALUES, SVD_THIN, SVD_FULL };

typedef struct {
    int64_t want;
    lapack_int m, n, k, u_cols, vh_rows, lwork, info;
    void *a, *s, *u, *vh, *work, *rwork;
    lapack_int *iwork;
} lapack_svd;

/* s, u and vh <- those of the matrix in a, which is destroyed; or the memory this needs is asked for. */
BLAS_OUTLINE void lapack_svd_call(const lapack_job *job, lapack_svd *v, void *work)
{
    const char *const jobz = v->want == SVD_VALUES ? "N" : v->want == SVD_THIN ? "S" : "A";
    const void *const routine = lapack_address(job, LAPACK_gesdd);
    const lapack_int ldu = (lapack_int)at_least_one(v->m), ldvh = (lapack_int)at_least_one(v->vh_rows);
    if (job->is_complex)
        ((complex_gesdd_fn *)(uintptr_t)routine)(jobz, &v->m, &v->n, v->a, &ldu, v->s, v->u, &ldu, v->vh,
                &ldvh, work, &v->lwork, v->rwork, v->iwork, &v->info);
    else
        ((gesdd_fn *)(uintptr_t)routine)(jobz, &v->m, &v->n, v->a, &ldu, v->s, v->u, &ldu, v->vh, &ldvh, work,
                &v->lwork, v->iwork, &v->info);
}

/* Input 0 of this item. LAPACK refuses NaN, and would look for singular values of infinity for ever. */
BLAS_OUTLINE int lapack_svd_item(const lapack_job *job, lapack_svd *v)
{
    lapack_load_columns(job, 0, 2, v->a);
    v->info = -4;
    if (lapack_is_finite(job, v->a, (int64_t)v->m * v->n)) {
        v->info = 0;
        lapack_svd_call(job, v, v->work);
    }
    return v->info ? pt_fail(job->ctx, PT_LINALG_ERROR, "SVD did not converge") : PT_OK;
}

/* Room for rwork, as the documentation of gesdd gives it. */
BLAS_HELPER int64_t lapack_svd_rwork(const lapack_svd *v)
{
    const int64_t k = v->k, most = v->m > v->n ? v->m : v->n;
    const int64_t one = 5 * k * k + 5 * k, other = 2 * most * k + 2 * k * k + k;
    return v->want == SVD_VALUES ? 7 * k : one > other ? one : other;
}

BLAS_OUTLINE int lapack_svd_take(lapack_job *job, lapack_svd *v)
{
    const bool vectors = v->want != SVD_VALUES;
    v->a = lapack_take_matrix(job, v->m, v->n);
    v->s = lapack_take(job, v->k, job->part);
    v->u = vectors ? lapack_take_matrix(job, v->m, v->u_cols) : NULL;
    v->vh = vectors ? lapack_take_matrix(job, v->vh_rows, v->n) : NULL;
    v->iwork = lapack_take_ints(job, 8 * (int64_t)v->k);
    v->rwork = job->is_complex ? lapack_take(job, lapack_svd_rwork(v), job->part) : NULL;
    if (job->no_memory)
        return lapack_memory(job);
    double answer[2] = {0};
    v->lwork = -1;
    lapack_svd_call(job, v, answer);
    return lapack_take_work(job, answer, &v->work, &v->lwork);
}

/* The shape of the problem; its work is announced. */
BLAS_OUTLINE int lapack_svd_begin(lapack_job *job, lapack_svd *v)
{
    const int64_t m = lapack_length(job, 0, 0), n = lapack_length(job, 0, 1);
    int status = lapack_fits(job, m, n);
    if (status == PT_OK)
        status = lapack_needs(job, LAPACK_gesdd, LAPACK_gesdd);
    v->m = (lapack_int)m;
    v->n = (lapack_int)n;
    v->k = v->m < v->n ? v->m : v->n;
    v->u_cols = v->want == SVD_FULL ? v->m : v->k;
    v->vh_rows = v->want == SVD_FULL ? v->n : v->k;
    const double most = (double)(m > n ? m : n), k = (double)v->k;
    lapack_heavy(
            job, most * k * ((v->want == SVD_VALUES ? 4.0 : 12.0) * k + (v->want == SVD_FULL ? most : 0)));
    return status;
}

BLAS_OUTLINE void lapack_svd_store(const lapack_job *job, const lapack_svd *v)
{
    const bool vectors = v->want != SVD_VALUES;
    if (v->k > 0)
        memcpy(lapack_out(job, vectors), v->s, (size_t)(v->k * job->part));
    if (!vectors)
        return;
    if (v->k > 0) {
        const matrix_view u = lapack_columns(job, v->u, v->m, v->u_cols, v->m);
        const matrix_view vh = lapack_columns(job, v->vh, v->vh_rows, v->n, v->vh_rows);
        lapack_store(job, 0, 2, &u);
        lapack_store(job, 2, 2, &vh);
        return;
    }
    const matrix_view u = lapack_item(job, 1, 2), vh = lapack_item(job, 3, 2);
    lapack_identity(job, &u);
    lapack_identity(job, &vh);
}

/* Own parameter: which vectors are wanted. */
PT_KERNEL(pt_lapack_svd)
{
    lapack_job job;
    lapack_svd v = {.want = pt_parameters(program)[4]};
    const int at_values = v.want == SVD_VALUES ? 0 : 1;
    int status = lapack_begin(&job, ctx, args, program, "SVD", 1, at_values ? 3 : 1);
    if (status == PT_OK)
        status = lapack_svd_begin(&job, &v);
    if (status == PT_OK && at_values)
        status = lapack_output(&job, 0, 2, v.m, v.u_cols, job.itemsize);
    if (status == PT_OK)
        status = lapack_output(&job, at_values, 1, v.k, 0, job.part);
    if (status == PT_OK && at_values)
        status = lapack_output(&job, 2, 2, v.vh_rows, v.n, job.itemsize);
    if (status == PT_OK && v.k > 0 && job.items > 0)
        status = lapack_svd_take(&job, &v);
    if (status)
        return status;
    lapack_first(&job);
    for (int64_t k = 0; k < job.items; k++, lapack_next(&job)) {
        status = v.k > 0 ? lapack_svd_item(&job, &v) : PT_OK;
        if (status)
            return status;
        lapack_svd_store(&job, &v);
    }
    return PT_OK;
}

/* Columns of u <- those of conj(u) / s, or zero where s is as good as zero. */
BLAS_OUTLINE void lapack_pinv_scale(const lapack_job *job, const lapack_svd *v)
{
    const char *const s = v->s;
    const double least = 1e-15 * lapack_read_part(job, s);
    for (int64_t j = 0; j < v->k; j++) {
        const double size = lapack_read_part(job, s + j * job->part);
        const double factor = size > least ? 1.0 / size : size > 0.0 || size == 0.0 ? 0.0 : size;
        char *const column = (char *)v->u + j * v->m * job->itemsize;
        for (int64_t i = 0; i < v->m; i++) {
            const element_z e = lapack_read(job, column + i * job->itemsize);
            lapack_write(job, column + i * job->itemsize, e.re * factor, -e.im * factor);
        }
    }
}

/* z, read by columns, is the transpose of the pseudo-inverse: conj(u / s) @ conj(vh). */
BLAS_OUTLINE void lapack_pinv_product(const lapack_job *job, const lapack_svd *v, void *z)
{
    const double unit[2][2] = {{1.0, 0.0}, {0.0, 0.0}};
    const float short_unit[2][2] = {{1.0f, 0.0f}, {0.0f, 0.0f}};
    const void *const one = job->part == 8 ? (const void *)unit[0] : (const void *)short_unit[0];
    const void *const zero = job->part == 8 ? (const void *)unit[1] : (const void *)short_unit[1];
    const blas_int m = v->m, n = v->n, k = v->k;
    if (job->is_complex)
        conjugate_line(v->vh, (int64_t)k * n, job->itemsize);
    memset(z, 0, (size_t)((int64_t)m * n * job->itemsize));
    const void *const routine = job->ctx->svc->blas[BLAS_sgemm + job->element];
    ((gemm_fn *)(uintptr_t)routine)("N", "N", &m, &n, &k, one, v->u, &m, v->vh, &k, zero, z, &m);
}

PT_KERNEL(pt_lapack_pinv)
{
    lapack_job job;
    lapack_svd v = {.want = SVD_THIN};
    int status = lapack_begin(&job, ctx, args, program, "MatrixPinv", 1, 1);
    if (status == PT_OK)
        status = lapack_svd_begin(&job, &v);
    if (status == PT_OK)
        status = lapack_output(&job, 0, 2, v.n, v.m, job.itemsize);
    if (status || v.k == 0 || job.items == 0)
        return status;
    status = lapack_svd_take(&job, &v);
    if (status)
        return status;
    lapack_first(&job);
    for (int64_t k = 0; k < job.items; k++, lapack_next(&job)) {
        status = lapack_svd_item(&job, &v);
        if (status)
            return status;
        lapack_pinv_scale(&job, &v);
        lapack_pinv_product(&job, &v, lapack_out(&job, 0));
    }
    return PT_OK;
}

#endif
