/* Triangular and symmetric routines against the general ones: one call each way, timed by
   blas_triangular.py. Matrices lie by rows; Fortran sees them transposed. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef int32_t blas_int;
typedef void gemm_fn(const char *, const char *, const blas_int *, const blas_int *, const blas_int *,
        const double *, const double *, const blas_int *, const double *, const blas_int *, const double *,
        double *, const blas_int *);
typedef void symm_fn(const char *, const char *, const blas_int *, const blas_int *, const double *,
        const double *, const blas_int *, const double *, const blas_int *, const double *, double *,
        const blas_int *);
typedef void tr_fn(const char *, const char *, const char *, const char *, const blas_int *, const blas_int *,
        const double *, const double *, const blas_int *, double *, const blas_int *);
typedef void gemv_fn(const char *, const blas_int *, const blas_int *, const double *, const double *,
        const blas_int *, const double *, const blas_int *, const double *, double *, const blas_int *);
typedef void trv_fn(const char *, const char *, const char *, const blas_int *, const double *,
        const blas_int *, double *, const blas_int *);

/* In the order of ROUTINES in blas_triangular.py. */
typedef struct {
    gemm_fn *gemm;
    symm_fn *symm;
    tr_fn *trmm, *trsm;
    gemv_fn *gemv;
    trv_fn *trmv, *trsv;
} routines;

static const double one = 1.0, zero = 0.0;
static const blas_int step = 1;

/* What tril does: the lower triangle and zeros. */
static void mask(double *t, const double *a, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++)
            t[i * n + j] = i >= j ? a[i * n + j] : 0.0;
}

static void gemm(const routines *r, const double *a, const double *b, double *z, blas_int n, blas_int m)
{
    r->gemm("N", "N", &m, &n, &n, &one, b, &m, a, &n, &zero, z, &m);
}

/* The copy that trmm and trsm need. Times are summed to look for NaN and Inf on the way. */
static int copy_finite(double *z, const double *b, int64_t size)
{
    double bad = 0.0;
    for (int64_t i = 0; i < size; i++) {
        z[i] = b[i];
        bad += b[i] * 0.0;
    }
    return bad == 0.0;
}

/* A x = b by rows of the lower triangle. */
static void substitute(const double *a, double *x, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        double sum = x[i];
        for (int64_t j = 0; j < i; j++)
            sum -= a[i * n + j] * x[j];
        x[i] = sum / a[i * n + i];
    }
}

static void once(const routines *r, int how, const double *a, const double *b, double *z, double *work,
        blas_int n, blas_int m)
{
    const size_t bytes = (size_t)n * (size_t)m * sizeof(double);
    switch (how) {
    case 0: /* gemm on a triangle that already has its zeros: a Cholesky factor */
        gemm(r, a, b, z, n, m);
        break;
    case 1: /* tril, then gemm */
        mask(work, a, n);
        gemm(r, work, b, z, n, m);
        break;
    case 2: /* copy, trmm */
        copy_finite(z, b, (int64_t)n * m);
        r->trmm("R", "U", "N", "N", &m, &n, &one, a, &n, z, &m);
        break;
    case 3: /* copy, trmm with the transpose of the triangle */
        copy_finite(z, b, (int64_t)n * m);
        r->trmm("R", "U", "T", "N", &m, &n, &one, a, &n, z, &m);
        break;
    case 4:
        r->symm("R", "U", &m, &n, &one, a, &n, b, &m, &zero, z, &m);
        break;
    case 5: /* copy, trsm */
        memcpy(z, b, bytes);
        r->trsm("R", "U", "N", "N", &m, &n, &one, a, &n, z, &m);
        break;
    case 6: /* transposing nothing: trsm on columns, as LAPACK's trtrs does with a Fortran-ordered b */
        memcpy(z, b, bytes);
        r->trsm("L", "U", "T", "N", &n, &m, &one, a, &n, z, &n);
        break;
    case 7: /* one vector */
        r->gemv("T", &n, &n, &one, a, &n, b, &step, &zero, z, &step);
        break;
    case 8:
        copy_finite(z, b, n);
        r->trmv("U", "T", "N", &n, a, &n, z, &step);
        break;
    case 9:
        mask(work, a, n);
        r->gemv("T", &n, &n, &one, work, &n, b, &step, &zero, z, &step);
        break;
    case 10:
        memcpy(z, b, (size_t)n * sizeof(double));
        r->trsv("U", "T", "N", &n, a, &n, z, &step);
        break;
    case 11: /* a vector as a matrix of one column */
        memcpy(z, b, (size_t)n * sizeof(double));
        r->trsm("L", "U", "T", "N", &n, &step, &one, a, &n, z, &n);
        break;
    case 12:
        memcpy(z, b, (size_t)n * sizeof(double));
        substitute(a, z, n);
        break;
    }
}

/* Nanoseconds per call. */
double bench(const routines *r, int how, const double *a, const double *b, double *z, double *work,
        blas_int n, blas_int m, int64_t calls)
{
    struct timespec start, stop;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
    for (int64_t i = 0; i < calls; i++)
        once(r, how, a, b, z, work, n, m);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &stop);
    return ((double)(stop.tv_sec - start.tv_sec) * 1e9 + (double)(stop.tv_nsec - start.tv_nsec)) /
           (double)calls;
}
