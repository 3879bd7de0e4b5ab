/* Systems of equations: general ones, and those whose matrix has a known structure. */
#ifndef PYTENSOR_LAPACK_SOLVE_H
#define PYTENSOR_LAPACK_SOLVE_H

#include "lapack_lu.h"

typedef void potrf_fn_(
        const char *uplo, const lapack_int *n, void *a, const lapack_int *lda, lapack_int *info);
typedef void potrs_fn(const char *uplo, const lapack_int *n, const lapack_int *nrhs, const void *a,
        const lapack_int *lda, void *b, const lapack_int *ldb, lapack_int *info);
typedef void sysv_fn(const char *uplo, const lapack_int *n, const lapack_int *nrhs, void *a,
        const lapack_int *lda, lapack_int *pivots, void *b, const lapack_int *ldb, void *work,
        const lapack_int *lwork, lapack_int *info);
typedef sysv_fn hesv_fn;
typedef void gtsv_fn(const lapack_int *n, const lapack_int *nrhs, void *below, void *diagonal, void *above,
        void *b, const lapack_int *ldb, lapack_int *info);
typedef void gbsv_fn(const lapack_int *n, const lapack_int *kl, const lapack_int *ku, const lapack_int *nrhs,
        void *band, const lapack_int *ldab, lapack_int *pivots, void *b, const lapack_int *ldb,
        lapack_int *info);

enum { SOLVE_GENERAL, SOLVE_SYMMETRIC, SOLVE_HERMITIAN, SOLVE_POSITIVE, SOLVE_TRIDIAGONAL, SOLVE_BANDED };

typedef struct {
    int64_t assume;
    const char *uplo;
    lapack_int n, nrhs, info, lwork;
    void *matrix, *work, *band;
    int64_t band_size;
    lapack_int *pivots;
} lapack_system;

/* Find out how much memory the solver of this structure works in. */
BLAS_OUTLINE int lapack_system_take(lapack_job *job, lapack_system *s)
{
    s->pivots = lapack_take_ints(job, s->n);
    s->matrix = lapack_take_matrix(job, s->n, s->n);
    s->work = s->assume == SOLVE_TRIDIAGONAL ? lapack_take_matrix(job, s->n, 3) : NULL;
    s->lwork = -1;
    if (s->assume != SOLVE_SYMMETRIC && s->assume != SOLVE_HERMITIAN)
        return lapack_memory(job);
    double answer[2] = {0};
    sysv_fn *const sysv = s->assume == SOLVE_SYMMETRIC ? LAPACK_CALL(job, sysv) : LAPACK_CALL(job, hesv);
    sysv(s->uplo, &s->n, &s->nrhs, NULL, &s->n, s->pivots, NULL, &s->n, answer, &s->lwork, &s->info);
    return lapack_take_work(job, answer, &s->work, &s->lwork);
}

/* The diagonals of A one behind the other, then gtsv. */
BLAS_OUTLINE void lapack_solve_tridiagonal(const lapack_job *job, lapack_system *s, void *x)
{
    const matrix_view a = lapack_columns(job, s->matrix, s->n, s->n, s->n);
    const int64_t step = a.row_stride + a.col_stride, size = job->itemsize, n = s->n;
    char *const lines = s->work;
    copy_line(lines, size, a.data + a.row_stride, step, n - 1, size);
    copy_line(lines + n * size, size, a.data, step, n, size);
    copy_line(lines + 2 * n * size, size, a.data + a.col_stride, step, n - 1, size);
    LAPACK_CALL(job, gtsv)
    (&s->n, &s->nrhs, lines, lines + n * size, lines + 2 * n * size, x, &s->n, &s->info);
}

BLAS_OUTLINE bool lapack_diagonal_is_zero(const lapack_job *job, const matrix_view *a, int64_t k)
{
    const int64_t n = a->rows - (k < 0 ? -k : k);
    const char *at = a->data + (k < 0 ? -k * a->row_stride : k * a->col_stride);
    for (int64_t i = 0; i < n; i++, at += a->row_stride + a->col_stride) {
        const element_z v = lapack_read(job, at);
        if (v.re != 0.0 || v.im != 0.0)
            return false;
    }
    return true;
}

/* Find the bandwidths of A, and solve in band storage. */
BLAS_OUTLINE int lapack_solve_banded(lapack_job *job, lapack_system *s, const matrix_view *a, void *x)
{
    lapack_int below = s->n - 1, above = s->n - 1;
    while (below > 0 && lapack_diagonal_is_zero(job, a, -below))
        below--;
    while (above > 0 && lapack_diagonal_is_zero(job, a, above))
        above--;
    const lapack_int ld = 2 * below + above + 1;
    const int64_t bytes = (int64_t)ld * s->n * job->itemsize;
    if (bytes > s->band_size) {
        s->band = lapack_take(job, bytes, 1);
        s->band_size = bytes;
    }
    if (job->no_memory)
        return lapack_memory(job);
    char *const band = s->band;
    memset(band, 0, (size_t)bytes);
    for (int64_t k = -below; k <= above; k++) {
        char *const to = band + (below + above - k + (k > 0 ? k : 0) * ld) * job->itemsize;
        const char *const from = a->data + (k < 0 ? -k * a->row_stride : k * a->col_stride);
        copy_line(to, ld * job->itemsize, from, a->row_stride + a->col_stride, s->n - (k < 0 ? -k : k),
                job->itemsize);
    }
    LAPACK_CALL(job, gbsv)
    (&s->n, &below, &above, &s->nrhs, band, &ld, s->pivots, x, &s->n, &s->info);
    return PT_OK;
}

/* x <- A^-1 x for this item; s->info tells whether A was singular. */
BLAS_OUTLINE int lapack_solve_item(lapack_job *job, lapack_system *s, void *x)
{
    s->info = 0;
    if (s->assume == SOLVE_BANDED) {
        const matrix_view a = lapack_load_columns(job, 0, 2, s->matrix);
        return lapack_solve_banded(job, s, &a, x);
    }
    lapack_load_columns(job, 0, 2, s->matrix);
    switch (s->assume) {
    case SOLVE_SYMMETRIC:
    case SOLVE_HERMITIAN:
        (s->assume == SOLVE_SYMMETRIC ? LAPACK_CALL(job, sysv) : LAPACK_CALL(job, hesv))(s->uplo, &s->n,
                &s->nrhs, s->matrix, &s->n, s->pivots, x, &s->n, s->work, &s->lwork, &s->info);
        break;
    case SOLVE_POSITIVE:
        ((potrf_fn_ *)(uintptr_t)lapack_address(job, LAPACK_potrf))(
                s->uplo, &s->n, s->matrix, &s->n, &s->info);
        if (!s->info)
            LAPACK_CALL(job, potrs)
        (s->uplo, &s->n, &s->nrhs, s->matrix, &s->n, x, &s->n, &s->info);
        break;
    case SOLVE_TRIDIAGONAL:
        lapack_solve_tridiagonal(job, s, x);
        break;
    default:
        LAPACK_CALL(job, gesv)
        (&s->n, &s->nrhs, s->matrix, &s->n, s->pivots, x, &s->n, &s->info);
    }
    return PT_OK;
}

/* Shapes, and memory for the solution. Own parameters: structure of A, lower, axes of b. */
BLAS_OUTLINE int lapack_solve_begin(lapack_job *job, int64_t *columns)
{
    const int b_ndim = (int)job->p[2];
    int status = lapack_square(job, 0, "A");
    if (status)
        return status;
    const int64_t n = lapack_length(job, 0, 0), rows = lapack_length(job, 1, 0);
    *columns = b_ndim == 2 ? lapack_length(job, 1, 1) : 1;
    if (n != rows)
        return pt_fail(job->ctx, PT_VALUE_ERROR,
                b_ndim == 1
                        ? "[%s] A and b must agree on the first dimension, got A (%lld, %lld) and b (%lld,)"
                        : "[%s] A and b must agree on the first dimension, got A (%lld, %lld) and b (%lld, "
                          "%lld)",
                job->op, (long long)n, (long long)n, (long long)rows, (long long)*columns);
    status = lapack_fits(job, n, *columns);
    if (status == PT_OK)
        status = lapack_output(job, 0, b_ndim, n, *columns, job->itemsize);
    return status;
}

PT_KERNEL(pt_lapack_solve)
{
    lapack_job job;
    int64_t columns = 1;
    int status = lapack_begin(&job, ctx, args, program, "Solve", 2, 1);
    if (status == PT_OK)
        status = lapack_solve_begin(&job, &columns);
    if (status)
        return status;
    const int b_ndim = (int)job.p[2];
    const int64_t n = lapack_length(&job, 0, 0);
    if (n == 0 || columns == 0 || job.items == 0)
        return PT_OK;
    lapack_system s = {.assume = job.p[0], .uplo = job.p[1] ? "L" : "U", .n = (lapack_int)n};
    s.nrhs = (lapack_int)columns;
    static const int routine[] = {
            LAPACK_gesv, LAPACK_sysv, LAPACK_hesv, LAPACK_potrf, LAPACK_gtsv, LAPACK_gbsv};
    static const int second[] = {
            LAPACK_gesv, LAPACK_sysv, LAPACK_hesv, LAPACK_potrs, LAPACK_gtsv, LAPACK_gbsv};
    status = lapack_needs(&job, routine[s.assume], second[s.assume]);
    if (status == PT_OK)
        status = lapack_system_take(&job, &s);
    void *const buffer = columns > 1 ? lapack_take_matrix(&job, n, columns) : NULL;
    if (status || job.no_memory)
        return status ? status : lapack_memory(&job);
    lapack_heavy(&job, ((double)n * 0.7 + 2.0 * (double)columns) * (double)n * (double)n);
    lapack_first(&job);
    for (int64_t k = 0; k < job.items; k++, lapack_next(&job)) {
        /* One column lies in the output as LAPACK wants it. */
        void *const data = buffer ? buffer : lapack_out(&job, 0);
        const matrix_view x = lapack_load_columns(&job, 1, b_ndim, data);
        status = lapack_solve_item(&job, &s, data);
        if (status)
            return status;
        if (s.info > 0)
            lapack_fill(&job, &x, __builtin_nan(""));
        lapack_store(&job, 0, b_ndim, &x);
    }
    return PT_OK;
}

#endif
