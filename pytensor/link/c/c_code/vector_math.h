/* exp, expm1, log, log1p and tanh of doubles without branches, so that loops over them become vector code on
   any processor and with any compiler. Errors below 2 units in the last place (tanh: 2.5; measured by
   tests/link/c/test_accuracy.py); NaN, infinities and signed zeros as in Annex F of the C standard. The
   polynomials interpolate at Chebyshev nodes and were computed to 50 digits. */
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
/* The largest x with a finite e**x. */
#define PT_EXP_MAX 0x1.62e42fefa39efp+9
/* e**x is 0. */
#define PT_EXP_MIN -746

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
    /* Odd and even powers apart: two chains of half the length, and few values alive at a time. */
    const double r2 = r * r;
    double p = 0x1.af4e196027428p-26, q = PT_FMA(0x1.1f731ea5358ebp-29, r2, 0x1.27e4db57442f7p-22);
    p = PT_FMA(p, r2, 0x1.71de021a90822p-19);
    q = PT_FMA(q, r2, 0x1.a01a01a6dcaffp-16);
    p = PT_FMA(p, r2, 0x1.a01a01abef415p-13);
    q = PT_FMA(q, r2, 0x1.6c16c16c162ccp-10);
    p = PT_FMA(p, r2, 0x1.11111111100cep-7);
    q = PT_FMA(q, r2, 0x1.5555555555556p-5);
    p = PT_FMA(p, r2, 0x1.5555555555557p-3);
    q = PT_FMA(q, r2, 0x1.0000000000000p-1);
    return PT_FMA(PT_FMA(p, r, q), r2, r);
}

/* 2**n for an integer n (in the low bits of `shifted`) in the range of normal numbers. */
static inline double pt_power_of_2(double shifted)
{
    return pt_from_bits((pt_bits(shifted) + 1023) << 52);
}

/* y 2**n for y = e**x / 2**n near 1 and PT_EXP_MIN <= x <= PT_EXP_MAX; n is in the low bits of `shifted`. */
static inline double pt_exp_scale(double x, double y, double shifted)
{
    /* In two factors, one of which is 2, or 2**-64 where the result may be subnormal: 2**n alone may not be a
     * normal number. */
    const double factor = x < -707 ? 0x1p-64 : 2;
    const uint64_t rest = (pt_bits(shifted) << 52) + (((uint64_t)2046 << 52) - pt_bits(factor));
    return y * pt_from_bits(rest) * factor;
}

static inline double pt_vexp(double x)
{
    double r, n;
    const double shifted = pt_exp_reduce(x, &r, &n);
    double result = pt_exp_scale(x, 1 + pt_expm1_small(r), shifted);
    /* Out of range it is anything. */
    result = x > PT_EXP_MAX ? __builtin_inf() : result;
    return x < PT_EXP_MIN ? 0 : result;
}

static inline double pt_vexpm1(double x)
{
    double r, n;
    const double shifted = pt_exp_reduce(x, &r, &n);
    /* Half of 2**n is finite wherever the result is. */
    const double half = pt_power_of_2(shifted - 1);
    double result = 2 * PT_FMA(pt_expm1_small(r), half, half - 0.5);
    result = x > PT_EXP_MAX ? __builtin_inf() : result;
    result = x < -50 ? -1 : result;
    return __builtin_fabs(x) < 0x1p-60 ? x : result;
}

/* log(2**k (1 + f)) for 1/sqrt(2) <= 1 + f < sqrt(2). */
static inline double pt_log_near(double f, double k)
{
    const double s = f / (2 + f), z = s * s;
    const double z2 = z * z;
    const double q0 = PT_FMA(0x1.99999999952abp-2, z, 0x1.5555555555558p-1);
    const double q2 = PT_FMA(0x1.c71c62ddb431bp-3, z, 0x1.2492492df7663p-2);
    const double q4 = PT_FMA(0x1.39fe16ad885a5p-3, z, 0x1.7462b6e311a89p-3);
    const double high = PT_FMA(0x1.2b5bd9a316a34p-3, z2, q4);
    const double q = PT_FMA(high, z2 * z2, PT_FMA(q2, z2, q0));
    /* 2 s = f - s f, so that the largest term, f, has no rounding error. */
    const double tail = PT_FMA(-s, PT_FMA(-z, q, f), k * PT_LN2_LOW);
    return PT_FMA(k, PT_LN2_HIGH, f + tail);
}

/* The k with 1/sqrt(2) <= 2**-k u < sqrt(2). */
static inline uint64_t pt_log_scale(double u)
{
    return (uint64_t)((int64_t)(pt_bits(u) - 0x3fe6a09e667f3bcd) >> 52);
}

static inline double pt_vlog(double x)
{
    /* What is taken off the exponent; odd values make the result what it is where no logarithm is. */
    const int tiny = x < 0x1p-1022;
    const double lift = tiny ? 0x1p54 : 1;
    double bias = tiny ? PT_SHIFTER + 54 : PT_SHIFTER;
    bias = x == 0 ? __builtin_inf() : bias;
    bias = x < 0 ? __builtin_nan("") : bias;
    bias = x < __builtin_inf() ? bias : -x;
    const double u = x * lift;
    const uint64_t k = pt_log_scale(u);
    return pt_log_near(
            pt_from_bits(pt_bits(u) - (k << 52)) - 1, pt_from_bits(k + pt_bits(PT_SHIFTER)) - bias);
}

static inline double pt_vlog1p(double x)
{
    const double u = 1 + x;
    /* What u lost, without error where it counts; half of it, as 2**-k may be too small to be
     * normal. */
    const double half = 0.5 * (x - (u - 1));
    const uint64_t k = pt_log_scale(u);
    const double n = pt_from_bits(k + pt_bits(PT_SHIFTER)) - (u < 0 ? __builtin_nan("") : PT_SHIFTER);
    const double m = pt_from_bits(pt_bits(u) - (k << 52));
    double result = pt_log_near(PT_FMA(half, pt_from_bits((1024 - k) << 52), m - 1), n);
    result = u == 0 ? -__builtin_inf() : result;
    result = x < __builtin_inf() ? result : x;
    return __builtin_fabs(x) < 0x1p-60 ? x : result;
}

/* With t = e**(2 |x|) - 1: t / (t + 2). */
static inline double pt_vtanh(double x)
{
    const double a = 2 * __builtin_fabs(x);
    double r, n;
    const double shifted = pt_exp_reduce(a, &r, &n);
    const double scale = pt_power_of_2(shifted);
    const double t = PT_FMA(pt_expm1_small(r), scale, scale - 1);
    const double result = a > 50 ? 1 : t / (t + 2);
    return __builtin_copysign(result, x);
}

/* e**-abs(x): no infinity. */
static inline double pt_vexp_below(double x)
{
    double r, n;
    x = -__builtin_fabs(x);
    x = x < PT_EXP_MIN ? PT_EXP_MIN : x;
    const double shifted = pt_exp_reduce(x, &r, &n);
    return pt_exp_scale(x, 1 + pt_expm1_small(r), shifted);
}

/* log(1 + t) for 0 <= t <= 1. */
static inline double pt_vlog1p_unit(double t)
{
    const int high = t > 0x1.a827999fcef32p-2;
    return pt_log_near(high ? PT_FMA(0.5, t, -0.5) : t, high ? 1 : 0);
}

#endif
