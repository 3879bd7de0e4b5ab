/* exp, expm1, log, log1p and tanh of doubles without branches, so that loops over them become vector code on
   any processor and with any compiler. Errors below 2 units in the last place (tanh: 2.5; measured by
   tests/link/c/test_accuracy.py); NaN, infinities and signed
   zeros as in Annex F of the C standard. The polynomials interpolate at Chebyshev nodes and were computed to
   50 digits. */
#ifndef PT_VECTOR_MATH_H
#define PT_VECTOR_MATH_H

#include "pytensor.h"

#if defined(__FMA__) || defined(__aarch64__)
#define PT_FMA(a, b, c) __builtin_fma(a, b, c)
#else
#define PT_FMA(a, b, c) ((a) * (b) + (c))
#endif

/* Adding it leaves the nearest integer in the low bits of the sum. */
#define PT_SHIFTER 0x1.8p52
#define PT_LN2_HIGH 0x1.62e42feep-1
#define PT_LN2_LOW 0x1.a39ef35793c76p-33
#define PT_LOG2_E 0x1.71547652b82fep+0

static inline uint64_t pt_bits(double x)
{
    uint64_t u;
    memcpy(&u, &x, 8);
    return u;
}

static inline double pt_from_bits(uint64_t u)
{
    double x;
    memcpy(&x, &u, 8);
    return x;
}

/* x = n log 2 + r; the integer n is in the low bits of the result. */
static inline double pt_exp_reduce(double x, double *r, double *n)
{
    const double shifted = PT_FMA(x, PT_LOG2_E, PT_SHIFTER);
    *n = shifted - PT_SHIFTER;
    *r = PT_FMA(-*n, PT_LN2_LOW, PT_FMA(-*n, PT_LN2_HIGH, x));
    return shifted;
}

/* e**r - 1 for abs(r) <= log(2) / 2. */
static inline double pt_expm1_small(double r)
{
    /* Pairs first (G. Estrin): a shorter chain of dependent operations than Horner's. */
    const double r2 = r * r, r4 = r2 * r2;
    const double p0 = PT_FMA(0x1.5555555555557p-3, r, 0.5);
    const double p2 = PT_FMA(0x1.11111111100cep-7, r, 0x1.5555555555556p-5);
    const double p4 = PT_FMA(0x1.a01a01abef415p-13, r, 0x1.6c16c16c162ccp-10);
    const double p6 = PT_FMA(0x1.71de021a90822p-19, r, 0x1.a01a01a6dcaffp-16);
    const double p8 = PT_FMA(0x1.af4e196027428p-26, r, 0x1.27e4db57442fbp-22);
    const double low = PT_FMA(p2, r2, p0);
    const double high = PT_FMA(PT_FMA(0x1.1f731ea5352cap-29, r2, p8), r4, PT_FMA(p6, r2, p4));
    return PT_FMA(PT_FMA(high, r4, low), r2, r);
}

/* 2**n for an integer n (in the low bits of `shifted`) in the range of normal numbers. */
static inline double pt_power_of_2(double shifted)
{
    return pt_from_bits((pt_bits(shifted) + 1023) << 52);
}

static inline double pt_vexp(double x)
{
    /* Beyond these the result is 0 or infinite anyway; NaN passes both. */
    x = x > 720 ? 720 : x;
    x = x < -760 ? -760 : x;
    double r, n;
    pt_exp_reduce(x, &r, &n);
    /* 2**n in two factors: one alone would leave the range before the product does. */
    const double half = PT_FMA(n, 0.5, PT_SHIFTER);
    const double rest = n - (half - PT_SHIFTER) + PT_SHIFTER;
    return (1 + pt_expm1_small(r)) * pt_power_of_2(half) * pt_power_of_2(rest);
}

static inline double pt_vexpm1(double x)
{
    const double given = x;
    x = x > 709.8 ? 709.8 : x;
    x = x < -50 ? -50 : x;
    double r, n;
    const double shifted = pt_exp_reduce(x, &r, &n);
    /* Half of 2**n is finite wherever the result is. */
    const double half = pt_power_of_2(shifted - 1);
    const double result = 2 * PT_FMA(pt_expm1_small(r), half, half - 0.5);
    return __builtin_fabs(given) < 0x1p-60 ? given : result;
}

/* log(m (1 + c / m)) + k log 2 where u = 2**k m, 1/sqrt(2) <= m < sqrt(2); c is small beside u. */
static inline double pt_log_scaled(double u, double c, double shift)
{
    const uint64_t bits = pt_bits(u), base = 0x3fe6a09e667f3bcd;
    const uint64_t k = (uint64_t)((int64_t)(bits - base) >> 52);
    const double n = pt_from_bits(k + pt_bits(PT_SHIFTER)) - PT_SHIFTER;
    const double m = pt_from_bits(bits - (k << 52));
    /* Half of c first: 2**-k may be too small for a normal number. */
    const double f = (m - 1) + 0.5 * c * pt_from_bits((1024 - k) << 52);
    const double s = f / (2 + f), z = s * s;
    const double z2 = z * z;
    const double q0 = PT_FMA(0x1.9999999999a39p-2, z, 0x1.5555555555555p-1);
    const double q2 = PT_FMA(0x1.c71c7201a55d7p-3, z, 0x1.2492492476a1ap-2);
    const double q4 = PT_FMA(0x1.3b1c3c1c81c8fp-3, z, 0x1.745cf8e4bba1bp-3);
    const double q6 = PT_FMA(0x1.0c0aff044a970p-3, z, 0x1.0fbde0f4ad17bp-3);
    const double q = PT_FMA(PT_FMA(q6, z2, q4), z2 * z2, PT_FMA(q2, z2, q0));
    /* 2 s = f - s f, so that the largest term, f, has no rounding error. */
    const double e = n + shift;
    const double tail = PT_FMA(-s, PT_FMA(-z, q, f), e * PT_LN2_LOW);
    return e * PT_LN2_HIGH + (f + tail);
}

static inline double pt_vlog(double x)
{
    const int tiny = x < 0x1p-1022;
    const double result = pt_log_scaled(tiny ? x * 0x1p54 : x, 0, tiny ? -54 : 0);
    const double edge = x == 0 ? -__builtin_inf() : x < 0 ? __builtin_nan("") : x;
    return ((x > 0) & (x < __builtin_inf())) ? result : edge;
}

static inline double pt_vlog1p(double x)
{
    const double u = 1 + x;
    const double c = x >= 1 ? 1 - (u - x) : x - (u - 1);
    const double result = pt_log_scaled(u, c, 0);
    const double edge = x == -1 ? -__builtin_inf() : x < -1 ? __builtin_nan("") : x;
    return ((x > -1) & (x < __builtin_inf()) & (__builtin_fabs(x) > 0x1p-60)) ? result : edge;
}

/* With t = e**(2 |x|) - 1: t / (t + 2). */
static inline double pt_vtanh(double x)
{
    double a = 2 * __builtin_fabs(x);
    a = a > 50 ? 50 : a;
    double r, n;
    const double shifted = pt_exp_reduce(a, &r, &n);
    const double scale = pt_power_of_2(shifted);
    const double t = PT_FMA(pt_expm1_small(r), scale, scale - 1);
    return __builtin_copysign(t / (t + 2), x);
}

#endif
