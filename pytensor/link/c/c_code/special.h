/* Functions of SciPy, reached by address (scipy.special.cython_special); see link/c/special.py.

   A kernel that calls them begins with pt_use_special(ctx). The table is the same for all programs of a
   process and is never freed, so it does not matter which of them set it. */
#ifndef PT_SPECIAL_H
#define PT_SPECIAL_H

#include "pytensor.h"

/* In the order of FUNCTIONS in link/c/special.py. */
enum {
    PT_SPECIAL_betainc_f64,
    PT_SPECIAL_betaincinv_f64,
    PT_SPECIAL_erfcinv_f64,
    PT_SPECIAL_erfcx_f64,
    PT_SPECIAL_erfinv_f64,
    PT_SPECIAL_gamma_f64,
    PT_SPECIAL_gammainc_f64,
    PT_SPECIAL_gammaincc_f64,
    PT_SPECIAL_gammainccinv_f64,
    PT_SPECIAL_gammaincinv_f64,
    PT_SPECIAL_hyp2f1_f64,
    PT_SPECIAL_i0_f64,
    PT_SPECIAL_i1_f64,
    PT_SPECIAL_ive_f64,
    PT_SPECIAL_j0_f64,
    PT_SPECIAL_j1_f64,
    PT_SPECIAL_jv_f64,
    PT_SPECIAL_kve_f64,
    PT_SPECIAL_ndtri_exp_f64,
    PT_SPECIAL_owens_t_f64,
    PT_SPECIAL_psi_f64,
    PT_SPECIAL_betainc_f32,
    PT_SPECIAL_betaincinv_f32,
    PT_SPECIAL_erfinv_f32,
    PT_SPECIAL_erf_c128,
    PT_SPECIAL_gamma_c128,
    PT_SPECIAL_ive_c128,
    PT_SPECIAL_jv_c128,
    PT_SPECIAL_kve_c128,
    PT_SPECIAL_psi_c128,
    PT_SPECIAL_COUNT
};

/* What a program without the table finds: NaN, of whatever type. */
static double _Complex pt_special_none(void)
{
    double _Complex nan;
    __real__ nan = __imag__ nan = __builtin_nan("");
    return nan;
}

#define PT_NONE (void *)(uintptr_t)pt_special_none
#define PT_NONE_5 PT_NONE, PT_NONE, PT_NONE, PT_NONE, PT_NONE
static void *const pt_no_special[] = {PT_NONE_5, PT_NONE_5, PT_NONE_5, PT_NONE_5, PT_NONE_5, PT_NONE_5};
_Static_assert(sizeof pt_no_special == PT_SPECIAL_COUNT * sizeof(void *), "one for each function");

static void *const *pt_special_table = pt_no_special;

/* Racing threads store the same value. */
#if defined(__GNUC__) || defined(__clang__)
#define PT_SPECIAL_STORE(x, value) __atomic_store_n(&(x), value, __ATOMIC_RELAXED)
#else
#define PT_SPECIAL_STORE(x, value) (*(void *const *volatile *)&(x) = (value))
#endif

PT_UNUSED static inline void pt_use_special(const pt_ctx *ctx)
{
    if (ctx->svc->special)
        PT_SPECIAL_STORE(pt_special_table, ctx->svc->special);
}

/* The last argument is Cython's, whether a method of Python's may have replaced the function. */
typedef double pt_special_d1(double, int);
typedef double pt_special_d2(double, double, int);
typedef double pt_special_d3(double, double, double, int);
typedef double pt_special_d4(double, double, double, double, int);
typedef float pt_special_f1(float, int);
typedef float pt_special_f3(float, float, float, int);
typedef double _Complex pt_special_c1(double _Complex, int);
typedef double _Complex pt_special_c2(double, double _Complex, int);

#define PT_SPECIAL(type, f) ((pt_special_##type *)(uintptr_t)pt_special_table[PT_SPECIAL_##f])

#define PT_SPECIAL_NAN __builtin_nan("")
#define PT_SPECIAL_INF __builtin_inf()

/* The zeta function of Hurwitz for x > 1: the sum of (q + n)**-x, nine terms or until q + n > 9, the rest by
   the formula of Euler and Maclaurin. As in Cephes (S. L. Moshier, zeta.c), operation by operation, so that
   values are those of SciPy, whose Cython interface does not have it. */
/* Left of it the series, which starts there, is not summed term by term. */
#define PT_FAR_LEFT (-30.0)

PT_UNUSED static double pt_hurwitz(double x, double q)
{
    static const double divisor[] = {12.0, -720.0, 30240.0, -1209600.0, 47900160.0, -1.8924375803183791606e9,
            7.47242496e10, -2.950130727918164224e12, 1.1646782814350067249e14, -4.5979787224074726105e15,
            1.8152105401943546773e17, -7.1661652561756670113e18};
    const double eps = 1.11022302462515654042e-16;
    if (x == 1.0)
        return PT_SPECIAL_INF;
    if (!(x >= 1.0))
        return PT_SPECIAL_NAN;
    if (q <= 0.0) {
        if (q == __builtin_floor(q))
            return PT_SPECIAL_INF;
        if (x != __builtin_floor(x))
            return PT_SPECIAL_NAN;
    }
    if (q < PT_FAR_LEFT) {
        /* The sum over all integers, which r alone decides, without what lies further left. */
        const double r = q - __builtin_rint(q), even = __builtin_fmod(x, 2.0) == 0.0 ? 1.0 : -1.0;
        return __builtin_pow(r, -x) + pt_hurwitz(x, 1.0 + r) +
               even * (pt_hurwitz(x, 1.0 - r) - pt_hurwitz(x, 1.0 - q));
    }
    if (q > 1e8)
        return (1.0 / (x - 1.0) + 1.0 / (2.0 * q)) * __builtin_pow(q, 1.0 - x);
    double sum = __builtin_pow(q, -x), a = q, term = 0.0;
    for (int i = 0; i < 9 || a <= 9.0; i++) {
        a += 1.0;
        term = __builtin_pow(a, -x);
        sum += term;
        if (-eps < term / sum && term / sum < eps)
            return sum;
    }
    const double w = a;
    sum += term * w / (x - 1.0);
    sum -= 0.5 * term;
    double product = 1.0, k = 0.0;
    for (int i = 0; i < 12; i++) {
        product *= x + k;
        term /= w;
        const double t = product * term / divisor[i];
        sum += t;
        if (__builtin_fabs(t / sum) < eps)
            return sum;
        k += 1.0;
        product *= x + k;
        term /= w;
        k += 1.0;
    }
    return sum;
}

#endif
