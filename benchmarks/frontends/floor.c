/* The floor: the same work in C, calling the same BLAS routines, repeated in here so that no call from Python
   is timed. Every function has one signature: how often, the inputs and then the outputs, their lengths in
   the order of the inputs' axes, a fixed number (steps), the routines. Matrices are in C order; results go to
   arrays that exist already. Loops use the package's vector math. */
#include <math.h>
#include <stdlib.h>

#include "vector_math.h"

#if BLAS_INT_BITS == 64
typedef int64_t blas_int;
#else
typedef int32_t blas_int;
#endif

typedef struct {
    void (*gemm)(const char *, const char *, const blas_int *, const blas_int *, const blas_int *,
            const double *, const double *, const blas_int *, const double *, const blas_int *,
            const double *, double *, const blas_int *);
    void (*gemv)(const char *, const blas_int *, const blas_int *, const double *, const double *,
            const blas_int *, const double *, const blas_int *, const double *, double *, const blas_int *);
    void (*syrk)(const char *, const char *, const blas_int *, const blas_int *, const double *,
            const double *, const blas_int *, const double *, double *, const blas_int *);
} routines;

#define FLOOR(name)                                                                                          \
    static void name##_once(double *const *p, const int64_t *n, int64_t fixed, const routines *r);           \
    PT_EXPORT void name(int64_t calls, double *const *p, const int64_t *n, int64_t fixed, const routines *r) \
    {                                                                                                        \
        for (int64_t i = 0; i < calls; i++) {                                                                \
            name##_once(p, n, fixed, r);                                                                     \
        }                                                                                                    \
    }                                                                                                        \
    static __attribute__((noinline)) void name##_once(                                                       \
            double *const *p, const int64_t *n, PT_UNUSED int64_t fixed, PT_UNUSED const routines *r)

static const double ZERO = 0, ONE = 1, ALPHA = 0.5, BETA = 1.5;
static const blas_int STEP = 1;
static const double LOG_2PI = 1.8378770664093454836;

/* z <- alpha A x + beta z for a matrix in C order: to Fortran, its transpose. */
static void times_vector(const routines *r, int64_t rows, int64_t columns, double alpha, const double *A,
        const double *x, double beta, double *z)
{
    const blas_int m = rows, n = columns;
    r->gemv("T", &n, &m, &alpha, A, &n, x, &STEP, &beta, z, &STEP);
}

/* Z <- alpha A B + beta Z, A m x k and B k x n in C order. */
static void times_matrix(const routines *r, int64_t rows, int64_t inner, int64_t columns, double alpha,
        const double *A, const double *B, double beta, double *Z)
{
    const blas_int m = rows, k = inner, n = columns;
    r->gemm("N", "N", &n, &m, &k, &alpha, B, &n, A, &k, &beta, Z, &n);
}

/* The lower half in C order was computed (Fortran's upper); copy it to the other, block by block. */
static void mirror(double *z, int64_t n)
{
    const int64_t block = 32;
    for (int64_t I = 0; I < n; I += block) {
        for (int64_t J = 0; J <= I; J += block) {
            for (int64_t i = I; i < n && i < I + block; i++) {
                for (int64_t j = J; j < i && j < J + block; j++) {
                    z[j * n + i] = z[i * n + j];
                }
            }
        }
    }
}

FLOOR(empty)
{
    for (int64_t i = 0; i < n[0]; i++) {
        p[1][i] = p[0][i] + 1.0;
    }
}

FLOOR(total)
{
    double sum = 0;
    const double *x = p[0];
#pragma omp simd reduction(+ : sum)
    for (int64_t i = 0; i < n[0]; i++) {
        sum += x[i];
    }
    p[1][0] = sum;
}

#define TILE 256

/* A function at a time over tiles that stay in the nearest cache: one loop of all three runs out of
 * registers. */
FLOOR(chain)
{
    double tile[TILE], sum = 0;
    for (int64_t start = 0; start < n[0]; start += TILE) {
        const int64_t length = n[0] - start < TILE ? n[0] - start : TILE;
        const double *x = p[0] + start;
        for (int64_t i = 0; i < length; i++) {
            tile[i] = pt_vtanh(x[i]);
        }
        for (int64_t i = 0; i < length; i++) {
            tile[i] = pt_vexp(tile[i]);
        }
#pragma omp simd reduction(+ : sum)
        for (int64_t i = 0; i < length; i++) {
            sum += pt_vlog1p(tile[i]);
        }
    }
    p[1][0] = sum;
}

FLOOR(gemv)
{
    memcpy(p[3], p[2], n[0] * sizeof(double));
    times_vector(r, n[0], n[1], ALPHA, p[0], p[1], BETA, p[3]);
}

FLOOR(gemm)
{
    memcpy(p[3], p[2], n[0] * n[3] * sizeof(double));
    times_matrix(r, n[0], n[1], n[3], ALPHA, p[0], p[1], BETA, p[3]);
}

FLOOR(product)
{
    times_matrix(r, n[0], n[1], n[3], ONE, p[0], p[1], ZERO, p[2]);
}

/* A copy and BLAS's ger would read and write the matrix twice. */
FLOOR(ger)
{
    for (int64_t i = 0; i < n[0]; i++) {
        const double *restrict from = p[0] + i * n[1], *restrict y = p[2];
        const double factor = ALPHA * p[1][i];
        double *restrict to = p[3] + i * n[1];
        for (int64_t j = 0; j < n[1]; j++) {
            to[j] = from[j] + factor * y[j];
        }
    }
}

FLOOR(symmetric_rows)
{
    const blas_int rows = n[0], columns = n[1];
    r->syrk("U", "T", &rows, &columns, &ONE, p[0], &columns, &ZERO, p[1], &rows);
    mirror(p[1], n[0]);
}

FLOOR(symmetric_columns)
{
    const blas_int rows = n[0], columns = n[1];
    r->syrk("U", "N", &columns, &rows, &ONE, p[0], &columns, &ZERO, p[1], &columns);
    mirror(p[1], n[1]);
}

FLOOR(batched)
{
    for (int64_t i = 0; i < n[0]; i++) {
        times_matrix(r, n[1], n[2], n[5], ONE, p[0] + i * n[1] * n[2], p[1] + i * n[4] * n[5], ZERO,
                p[2] + i * n[1] * n[5]);
    }
}

FLOOR(associate)
{
    double *between = malloc(n[2] * sizeof(double));
    times_vector(r, n[2], n[3], ONE, p[1], p[2], ZERO, between);
    times_vector(r, n[0], n[1], ONE, p[0], between, ZERO, p[3]);
    free(between);
}

FLOOR(gemv_scan)
{
    double *state = malloc(n[0] * sizeof(double));
    memcpy(p[2], p[1], n[0] * sizeof(double));
    for (int64_t step = 0; step < fixed; step++) {
        memcpy(state, p[2], n[0] * sizeof(double));
        times_vector(r, n[0], n[1], ONE, p[0], state, ZERO, p[2]);
    }
    free(state);
}

static double inner_product(const double *x, const double *y, int64_t n)
{
    double lanes[8] = {0}, sum = 0;
    for (int64_t i = 0; i + 8 <= n; i += 8)
        for (int k = 0; k < 8; k++)
            lanes[k] += x[i + k] * y[i + k];
    for (int64_t i = n / 8 * 8; i < n; i++)
        sum += x[i] * y[i];
    for (int k = 0; k < 8; k++)
        sum += lanes[k];
    return sum;
}

FLOOR(power)
{
    double *state = malloc((size_t)n[0] * sizeof(double)), *x = p[3];
    memcpy(x, p[1], (size_t)n[0] * sizeof(double));
    for (int64_t step = 0; step <= fixed; step++) {
        times_vector(r, n[0], n[1], ONE, p[0], x, ZERO, state);
        if (step == fixed)
            break;
        const double norm = sqrt(inner_product(state, state, n[0]));
        for (int64_t i = 0; i < n[0]; i++)
            x[i] = state[i] / norm;
    }
    *p[2] = inner_product(x, state, n[0]);
    free(state);
}

FLOOR(logistic)
{
    const double *X = p[0], *y = p[1], *beta = p[2];
    const int64_t rows = n[0], columns = n[1];
    const blas_int m = rows, k = columns;
    double *eta = malloc(rows * sizeof(double)), logp = 0;
    times_vector(r, rows, columns, ONE, X, beta, ZERO, eta);
#pragma omp simd reduction(+ : logp)
    for (int64_t i = 0; i < rows; i++) {
        const double e = eta[i], decay = pt_vexp(-fabs(e));
        logp += y[i] * e - (e > 0 ? e : 0) - pt_vlog1p(decay);
        eta[i] = y[i] - (e >= 0 ? 1 : decay) / (1 + decay);
    }
    for (int64_t j = 0; j < columns; j++) {
        logp -= 0.5 * beta[j] * beta[j];
        p[4][j] = -beta[j];
    }
    r->gemv("N", &k, &m, &ONE, X, &k, eta, &STEP, &ONE, p[4], &STEP);
    p[3][0] = logp;
    free(eta);
}

FLOOR(ar1)
{
    const double *noise = p[0], phi = *p[1];
    double last = 0;
    for (int64_t t = 0; t < n[0]; t++) {
        p[2][t] = last = phi * last + noise[t];
    }
}

#define STATES 3

/* Z <- X Y, or X Y' of 3 x 3 matrices. */
static inline void small_product(const double *x, const double *y, int transposed, double *z)
{
    for (int i = 0; i < STATES; i++) {
        for (int j = 0; j < STATES; j++) {
            double sum = 0;
            for (int k = 0; k < STATES; k++) {
                sum += x[i * STATES + k] * (transposed ? y[j * STATES + k] : y[k * STATES + j]);
            }
            z[i * STATES + j] = sum;
        }
    }
}

FLOOR(kalman)
{
    const double *y = p[0], *F = p[1], *Q = p[2], *h = p[3], noise = *p[4];
    double m[STATES] = {0}, P[STATES * STATES] = {0}, half[STATES * STATES], logp = 0;
    for (int i = 0; i < STATES; i++) {
        P[i * STATES + i] = 1;
    }
    for (int64_t t = 0; t < n[0]; t++) {
        double moved[STATES] = {0}, Ph[STATES] = {0}, s = noise, v = y[t];
        small_product(F, P, 0, half);
        small_product(half, F, 1, P);
        for (int i = 0; i < STATES; i++) {
            for (int j = 0; j < STATES; j++) {
                moved[i] += F[i * STATES + j] * m[j];
                P[i * STATES + j] += Q[i * STATES + j];
                Ph[i] += P[i * STATES + j] * h[j];
            }
            s += h[i] * Ph[i];
            v -= h[i] * moved[i];
        }
        for (int i = 0; i < STATES; i++) {
            m[i] = moved[i] + Ph[i] * (v / s);
            for (int j = 0; j < STATES; j++) {
                P[i * STATES + j] -= Ph[i] * Ph[j] / s;
            }
        }
        logp -= 0.5 * (log(s) + v * v / s + LOG_2PI);
    }
    p[5][0] = logp;
    memcpy(p[6], m, sizeof m);
}
