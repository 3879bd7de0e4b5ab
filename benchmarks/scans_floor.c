/* Loops as one writes them in C, for `benchmarks.scans`; the signature is that of floor.c. `fixed` is the
   number of steps. */
#include "frontends/floor.c"

FLOOR(ar3)
{
    const double *e = p[0], *phi = p[1];
    double a = 0, b = 0, c = 0;
    for (int64_t t = 0; t < n[0]; t++) {
        const double x = phi[0] * a + phi[1] * b + phi[2] * c + e[t];
        c = b, b = a, a = x;
        p[2][t] = x;
    }
}

FLOOR(two_outputs)
{
    const double *e = p[0], phi = *p[1];
    double x = 0, s = 1;
    for (int64_t t = 0; t < n[0]; t++) {
        const double last = x;
        p[2][t] = x = phi * x + e[t];
        p[3][t] = s = 0.9 * s + 0.1 * last * last;
    }
}

FLOOR(newton)
{
    const double a = *p[0];
    double x = a;
    for (int64_t t = 0; t < 100000; t++) {
        const double y = x - 0.001 * (x * x * x - a) / (3 * (x * x));
        const double change = fabs(y - x);
        x = y;
        if (change < 1e-12)
            break;
    }
    *p[1] = x;
}

FLOOR(kalman3)
{
    kalman_once(p, n, fixed, r);
}

FLOOR(vector_ar5)
{
    const double *e = p[0], *A = p[1];
    double x[5] = {0};
    for (int64_t t = 0; t < n[0]; t++) {
        double next[5];
        for (int i = 0; i < 5; i++) {
            double sum = 0;
            for (int j = 0; j < 5; j++)
                sum += A[i * 5 + j] * x[j];
            next[i] = sum + e[t * 5 + i];
        }
        memcpy(x, next, sizeof x);
        memcpy(p[2] + t * 5, x, sizeof x);
    }
}

FLOOR(vector_ar50)
{
    const int64_t m = n[1];
    const double *e = p[0], *A = p[1];
    double zero[50] = {0};
    const double *x = zero;
    for (int64_t t = 0; t < n[0]; t++) {
        double *next = p[2] + t * m;
        memcpy(next, e + t * m, (size_t)m * sizeof(double));
        times_vector(r, m, m, 1, A, x, 1, next);
        x = next;
    }
}

FLOOR(rnn)
{
    const int64_t batch = n[1], in = n[2], width = n[4];
    double *inputs = malloc((size_t)(n[0] * batch * width) * sizeof(double));
    double *h = p[4];
    memset(h, 0, (size_t)(batch * width) * sizeof(double));
    for (int64_t i = 0; i < n[0] * batch; i++)
        memcpy(inputs + i * width, p[3], (size_t)width * sizeof(double));
    times_matrix(r, n[0] * batch, in, width, 1, p[0], p[2], 1, inputs);
    for (int64_t t = 0; t < n[0]; t++) {
        double *z = inputs + t * batch * width;
        times_matrix(r, batch, width, width, 1, h, p[1], 1, z);
        for (int64_t i = 0; i < batch * width; i++)
            h[i] = pt_vtanh(z[i]);
    }
    free(inputs);
}

static void power_steps(double *const *p, const int64_t *n, int64_t steps, const routines *r)
{
    const int64_t m = n[0];
    double *u = p[2], *w = malloc((size_t)m * sizeof(double));
    memcpy(u, p[0], (size_t)m * sizeof(double));
    for (int64_t t = 0; t < steps; t++) {
        double lanes[8] = {0}, sum = 0;
        times_vector(r, m, m, 1, p[1], u, 0, w);
        for (int64_t i = 0; i + 8 <= m; i += 8)
            for (int k = 0; k < 8; k++)
                lanes[k] += w[i + k] * w[i + k];
        for (int64_t i = m / 8 * 8; i < m; i++)
            sum += w[i] * w[i];
        for (int k = 0; k < 8; k++)
            sum += lanes[k];
        const double norm = sqrt(sum);
        for (int64_t i = 0; i < m; i++)
            u[i] = w[i] / norm;
    }
    free(w);
}

FLOOR(power12)
{
    power_steps(p, n, fixed, r);
}

FLOOR(power200)
{
    power_steps(p, n, fixed, r);
}

FLOOR(logistic_map)
{
    const double rate = *p[1];
    double x = *p[0];
    for (int64_t t = 0; t < fixed; t++)
        p[2][t] = x = rate * x * (1 - x);
}
