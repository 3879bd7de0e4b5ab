/* Fast Fourier transforms for long convolutions: real and imaginary parts apart, lengths powers of two.

   Decimation in frequency leaves the result in bit-reversed order; products are taken in that order and
   decimation in time brings it back, so that nothing is ever permuted (Gentleman and Sande 1966). */
#ifndef PT_FOURIER_H
#define PT_FOURIER_H

#include "libm.h"
#include "pytensor.h"

/* exp(-2 pi i j / (2 h)) for j < h stands at c[h + j], s[h + j], for h = 1, 2, 4 ... n / 2. */
typedef struct {
    double *c, *s;
} pt_roots;

PT_UNUSED static void pt_make_roots(const pt_roots *w, int64_t n)
{
    const int64_t half = n / 2;
    for (int64_t j = 0; j < half; j++) {
        /* An eighth of a turn at most is asked of the library: symmetric and exact at the axes. */
        const int64_t octant = 8 * j / n, rest = octant & 1 ? (octant + 1) * n / 8 - j : j - octant * n / 8;
        const double angle = 6.283185307179586477 * (double)rest / (double)n;
        const double a = cos(angle), b = sin(angle);
        const double c[] = {a, b, -b, -a}, s[] = {b, a, a, b};
        w->c[half + j] = c[octant];
        w->s[half + j] = -s[octant];
    }
    for (int64_t h = half / 2; h >= 1; h /= 2)
        for (int64_t j = 0; j < h; j++) {
            w->c[h + j] = w->c[2 * h + 2 * j];
            w->s[h + j] = w->s[2 * h + 2 * j];
        }
}

/* One layer forward: halves of length h become sum and turned difference. */
static void pt_layer_forward(double *restrict re, double *restrict im, int64_t h, const pt_roots *w)
{
    const double *restrict c = w->c + h, *restrict s = w->s + h;
    for (int64_t j = 0; j < h; j++) {
        const double xr = re[j], xi = im[j], yr = re[j + h], yi = im[j + h];
        const double dr = xr - yr, di = xi - yi;
        re[j] = xr + yr;
        im[j] = xi + yi;
        re[j + h] = dr * c[j] - di * s[j];
        im[j + h] = dr * s[j] + di * c[j];
    }
}

static void pt_layer_backward(double *restrict re, double *restrict im, int64_t h, const pt_roots *w)
{
    const double *restrict c = w->c + h, *restrict s = w->s + h;
    for (int64_t j = 0; j < h; j++) {
        const double yr = re[j + h] * c[j] + im[j + h] * s[j];
        const double yi = im[j + h] * c[j] - re[j + h] * s[j];
        const double xr = re[j], xi = im[j];
        re[j] = xr + yr;
        im[j] = xi + yi;
        re[j + h] = xr - yr;
        im[j + h] = xi - yi;
    }
}

/* Two layers at once, for less traffic: h is the half of the half. */
static void pt_two_forward(double *restrict re, double *restrict im, int64_t h, const pt_roots *w)
{
    const double *restrict c = w->c + 2 * h, *restrict s = w->s + 2 * h;
    const double *restrict c2 = w->c + h, *restrict s2 = w->s + h;
    for (int64_t j = 0; j < h; j++) {
        const double ar = re[j], br = re[j + h], cr = re[j + 2 * h], dr = re[j + 3 * h];
        const double ai = im[j], bi = im[j + h], ci = im[j + 2 * h], di = im[j + 3 * h];
        const double pr = ar + cr, pi = ai + ci, qr = br + dr, qi = bi + di;
        /* The second quarter of the roots is the first, turned by -i */
        const double ur = ar - cr, ui = ai - ci, vr = bi - di, vi = dr - br;
        const double tr = pr - qr, ti = pi - qi;
        const double er = ur + vr, ei = ui + vi, fr = ur - vr, fi = ui - vi;
        /* Roots of the two lower quarters: w, and w times w squared */
        const double w3c = c[j] * c2[j] - s[j] * s2[j], w3s = c[j] * s2[j] + s[j] * c2[j];
        re[j] = pr + qr;
        im[j] = pi + qi;
        re[j + h] = tr * c2[j] - ti * s2[j];
        im[j + h] = tr * s2[j] + ti * c2[j];
        re[j + 2 * h] = er * c[j] - ei * s[j];
        im[j + 2 * h] = er * s[j] + ei * c[j];
        re[j + 3 * h] = fr * w3c - fi * w3s;
        im[j + 3 * h] = fr * w3s + fi * w3c;
    }
}

static void pt_two_backward(double *restrict re, double *restrict im, int64_t h, const pt_roots *w)
{
    const double *restrict c = w->c + 2 * h, *restrict s = w->s + 2 * h;
    const double *restrict c2 = w->c + h, *restrict s2 = w->s + h;
    for (int64_t j = 0; j < h; j++) {
        const double w3c = c[j] * c2[j] - s[j] * s2[j], w3s = c[j] * s2[j] + s[j] * c2[j];
        const double tr = re[j + h] * c2[j] + im[j + h] * s2[j];
        const double ti = im[j + h] * c2[j] - re[j + h] * s2[j];
        const double er = re[j + 2 * h] * c[j] + im[j + 2 * h] * s[j];
        const double ei = im[j + 2 * h] * c[j] - re[j + 2 * h] * s[j];
        const double fr = re[j + 3 * h] * w3c + im[j + 3 * h] * w3s;
        const double fi = im[j + 3 * h] * w3c - re[j + 3 * h] * w3s;
        const double pr = re[j] + tr, pi = im[j] + ti, qr = re[j] - tr, qi = im[j] - ti;
        const double ur = er + fr, ui = ei + fi, vr = er - fr, vi = ei - fi;
        re[j] = pr + ur;
        im[j] = pi + ui;
        re[j + h] = qr - vi;
        im[j + h] = qi + vr;
        re[j + 2 * h] = pr - ur;
        im[j + 2 * h] = pi - ui;
        re[j + 3 * h] = qr + vi;
        im[j + 3 * h] = qi - vr;
    }
}

/* Quarters are transformed one after the other, so that small ones stay in the cache. */
PT_UNUSED static void pt_fft_forward(double *re, double *im, int64_t n, const pt_roots *w)
{
    if (n < 4) {
        if (n == 2)
            pt_layer_forward(re, im, 1, w);
        return;
    }
    pt_two_forward(re, im, n / 4, w);
    for (int k = 0; n > 4 && k < 4; k++)
        pt_fft_forward(re + k * (n / 4), im + k * (n / 4), n / 4, w);
}

PT_UNUSED static void pt_fft_backward(double *re, double *im, int64_t n, const pt_roots *w)
{
    if (n < 4) {
        if (n == 2)
            pt_layer_backward(re, im, 1, w);
        return;
    }
    for (int k = 0; n > 4 && k < 4; k++)
        pt_fft_backward(re + k * (n / 4), im + k * (n / 4), n / 4, w);
    pt_two_backward(re, im, n / 4, w);
}

/* z = transform of x + i y, both real: put the transform of x times that of y in its place. In bit-reversed
   order the negative of a frequency is its mirror image within [2^m, 2^(m+1)). */
static void pt_square_parts(double *re, double *im, int64_t n)
{
    double xr = re[0], xi = im[0];
    re[0] = xr * xi;
    im[0] = 0;
    for (int64_t block = 1; block < n; block *= 2)
        for (int64_t p = block, q = 2 * block - 1; p <= q; p++, q--) {
            /* x y = (z^2 - conj(z')^2) / 4i, where z' belongs to the negative frequency */
            const double ar = re[p], ai = im[p], br = re[q], bi = im[q];
            xr = ar * ar - ai * ai - (br * br - bi * bi);
            xi = 2 * (ar * ai + br * bi);
            re[p] = re[q] = xi / 4;
            im[p] = -xr / 4;
            im[q] = xr / 4;
        }
}

static inline double pt_largest(const double *x, int64_t n)
{
    double largest = 0;
    for (int64_t i = 0; i < n; i++)
        largest = fabs(x[i]) > largest ? fabs(x[i]) : largest;
    return largest;
}

/* The length of transforms that convolve n with k numbers, k <= n, and what that costs (in ns, about). */
PT_UNUSED static int64_t pt_fft_length(int64_t n, int64_t k, double *cost)
{
    int64_t best = 0;
    double least = 0;
    int bits = 1;
    for (int64_t length = 2; bits < 40; length *= 2, bits++) {
        const int64_t step = length - k + 1;
        if (step < 1)
            continue;
        const double pieces = (double)((n + step - 1) / step);
        const double price = (double)length * (pieces * (1.2 * bits + 4) + 12);
        if (!best || price < least) {
            best = length;
            least = price;
        }
        if (step >= n + k)
            break;
    }
    *cost = least;
    return best;
}

/* z += x * y in full (n + k - 1 numbers), over pieces of x; work: 4 length numbers. */
PT_UNUSED static void pt_fft_convolve(
        double *z, const double *x, int64_t n, const double *y, int64_t k, int64_t length, double *work)
{
    double *re = work, *im = work + length;
    const pt_roots w = {work + 2 * length, work + 3 * length};
    const double y_size = pt_largest(y, k);
    pt_make_roots(&w, length);
    for (int64_t from = 0, step = length - k + 1; from < n; from += step) {
        const int64_t count = n - from < step ? n - from : step;
        const double x_size = pt_largest(x + from, count);
        if (x_size == 0 || y_size == 0)
            continue;
        /* Both of one size, so that neither drowns in the rounding errors of the other */
        for (int64_t i = 0; i < length; i++) {
            re[i] = i < count ? x[from + i] / x_size : 0;
            im[i] = i < k ? y[i] / y_size : 0;
        }
        pt_fft_forward(re, im, length, &w);
        pt_square_parts(re, im, length);
        pt_fft_backward(re, im, length, &w);
        const int64_t made = count + k - 1;
        for (int64_t i = 0; i < made; i++)
            z[from + i] += re[i] / (double)length * x_size * y_size;
    }
}

#endif
