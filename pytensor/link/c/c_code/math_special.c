/* Functions that SciPy computes, of one float type. Included once per type with T and PT_SUFFIX. */
#include "pytensor.h"
#include "glue.h"
#include "special.h"

#ifndef PT_SUFFIX
#define PT_ALONE
#define T double
#define PT_SUFFIX f64
#endif

#define PT_NAME(f) PT_GLUE(f, PT_SUFFIX)

/* In double, as SciPy's own loops compute them for floats. */
#define PT_SPECIAL_1(f)                                                                                      \
    PT_UNUSED static inline T PT_NAME(f)(T x)                                                                \
    {                                                                                                        \
        return (T)PT_SPECIAL(d1, f##_f64)((double)x, 0);                                                     \
    }
#define PT_SPECIAL_2(f)                                                                                      \
    PT_UNUSED static inline T PT_NAME(f)(T x, T y)                                                           \
    {                                                                                                        \
        return (T)PT_SPECIAL(d2, f##_f64)((double)x, (double)y, 0);                                          \
    }

PT_SPECIAL_1(erfcinv)
PT_SPECIAL_1(erfcx)
PT_SPECIAL_1(i0)
PT_SPECIAL_1(i1)
PT_SPECIAL_1(j0)
PT_SPECIAL_1(j1)
PT_SPECIAL_1(ndtri_exp)
PT_SPECIAL_1(psi)
PT_SPECIAL_2(gammainc)
PT_SPECIAL_2(gammaincc)
PT_SPECIAL_2(gammainccinv)
PT_SPECIAL_2(gammaincinv)
PT_SPECIAL_2(ive)
PT_SPECIAL_2(jv)
PT_SPECIAL_2(kve)
PT_SPECIAL_2(owens_t)

#undef PT_SPECIAL_1
#undef PT_SPECIAL_2

PT_UNUSED static inline T PT_NAME(hyp2f1)(T a, T b, T c, T z)
{
    return (T)PT_SPECIAL(d4, hyp2f1_f64)((double)a, (double)b, (double)c, (double)z, 0);
}

/* Those SciPy has for floats, too. */
#ifdef PT_SINGLE
PT_UNUSED static inline float PT_NAME(erfinv)(float x)
{
    return PT_SPECIAL(f1, erfinv_f32)(x, 0);
}

PT_UNUSED static inline float PT_NAME(betainc)(float a, float b, float x)
{
    return PT_SPECIAL(f3, betainc_f32)(a, b, x, 0);
}

PT_UNUSED static inline float PT_NAME(betaincinv)(float a, float b, float y)
{
    return PT_SPECIAL(f3, betaincinv_f32)(a, b, y, 0);
}
#else
PT_UNUSED static inline double PT_NAME(erfinv)(double x)
{
    return PT_SPECIAL(d1, erfinv_f64)(x, 0);
}

PT_UNUSED static inline double PT_NAME(betainc)(double a, double b, double x)
{
    return PT_SPECIAL(d3, betainc_f64)(a, b, x, 0);
}

PT_UNUSED static inline double PT_NAME(betaincinv)(double a, double b, double y)
{
    return PT_SPECIAL(d3, betaincinv_f64)(a, b, y, 0);
}
#endif

PT_UNUSED static inline T PT_NAME(tri_gamma)(T x)
{
    return (T)pt_hurwitz(2.0, (double)x);
}

/* (-1)**(n + 1) n! zeta(n + 1, x) */
PT_UNUSED static inline T PT_NAME(polygamma)(int64_t n, T x)
{
    if (n == 0)
        return (T)PT_SPECIAL(d1, psi_f64)((double)x, 0);
    const double factorial = PT_SPECIAL(d1, gamma_f64)((double)n + 1.0, 0);
    return (T)((n & 1 ? 1.0 : -1.0) * factorial * pt_hurwitz((double)n + 1.0, (double)x));
}

#undef PT_NAME
#ifdef PT_ALONE
#undef T
#undef PT_SUFFIX
#undef PT_ALONE
#endif
