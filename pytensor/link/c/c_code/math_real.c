/* Real functions of one float type. Included once per type with T, PT_NAME(f) and PT_LIBM(f), the name in
 * libm. */
#include "pytensor.h"
#include "glue.h"
#include "libm.h"
#include "vector_math.h"

#ifndef PT_SUFFIX
#define PT_ALONE
#define T double
#define PT_SUFFIX f64
#endif

#define PT_NAME(f) PT_GLUE(f, PT_SUFFIX)
#ifdef PT_SINGLE
#define PT_LIBM(name) name##f
#else
#define PT_LIBM(name) name
#endif

#define PT_UNARY(f, g)                                                                                       \
    PT_UNUSED static inline T PT_NAME(f)(T x)                                                                \
    {                                                                                                        \
        return PT_LIBM(g)(x);                                                                                \
    }

PT_UNARY(abs, fabs)
PT_UNARY(sqrt, sqrt)
PT_UNARY(exp2, exp2)
PT_UNARY(log2, log2)
PT_UNARY(log10, log10)
PT_UNARY(sin, sin)
PT_UNARY(cos, cos)
PT_UNARY(tan, tan)
PT_UNARY(asin, asin)
PT_UNARY(acos, acos)
PT_UNARY(atan, atan)
PT_UNARY(sinh, sinh)
PT_UNARY(cosh, cosh)
PT_UNARY(asinh, asinh)
PT_UNARY(acosh, acosh)
PT_UNARY(atanh, atanh)
PT_UNARY(ceil, ceil)
PT_UNARY(floor, floor)
PT_UNARY(trunc, trunc)
PT_UNARY(rint, rint)
PT_UNARY(round, round)
PT_UNARY(erf, erf)
PT_UNARY(erfc, erfc)
PT_UNARY(gamma, tgamma)

#undef PT_UNARY

/* Our own, where they are at least as fast as libmvec's. */
#ifdef PT_SINGLE
#define PT_OWN(name) name##f
#else
#define PT_OWN(name) pt_v##name
#endif
#define PT_VECTORISED(f)                                                                                     \
    PT_UNUSED static inline T PT_NAME(f)(T x)                                                                \
    {                                                                                                        \
        return PT_OWN(f)(x);                                                                                 \
    }

PT_VECTORISED(exp)
PT_VECTORISED(expm1)
PT_VECTORISED(log)
PT_VECTORISED(log1p)
PT_VECTORISED(tanh)

#undef PT_VECTORISED
#undef PT_OWN

#ifdef PT_SINGLE
#define PT_BELOW(x) expf(-fabsf(x))
#define PT_LOG1P_UNIT(t) log1pf(t)
#else
#define PT_BELOW(x) pt_vexp_below(x)
#define PT_LOG1P_UNIT(t) pt_vlog1p_unit(t)
#endif

PT_UNUSED static inline T PT_NAME(atan2)(T y, T x)
{
    return PT_LIBM(atan2)(y, x);
}

PT_UNUSED static inline T PT_NAME(pow)(T x, T y)
{
    return PT_LIBM(pow)(x, y);
}

/* NaN if either is, otherwise the larger; two plain choices become vector code. */
PT_UNUSED static inline T PT_NAME(maximum)(T x, T y)
{
    const T larger = x < y ? y : x;
    return y != y ? y : larger;
}

PT_UNUSED static inline T PT_NAME(minimum)(T x, T y)
{
    const T smaller = x > y ? y : x;
    return y != y ? y : smaller;
}

PT_UNUSED static inline T PT_NAME(sign)(T x)
{
    return x > 0 ? 1 : x < 0 ? -1 : x == 0 ? 0 : x;
}

PT_UNUSED static inline T PT_NAME(angle)(T x)
{
    return x != x ? x : PT_LIBM(copysign)(1, x) < 0 ? (T)3.14159265358979323846 : 0;
}

/* From fmod, corrected to the sign of y; a quotient that rounding put beside an integer is moved onto it. */
PT_UNUSED static inline T PT_NAME(floordiv)(T x, T y)
{
    const T r = PT_LIBM(fmod)(x, y);
    T q = (x - r) / y;
    if (r != 0 && (r < 0) != (y < 0))
        q -= 1;
    const T down = PT_LIBM(floor)(q);
    const T near = q - down > (T)0.5 ? down + 1 : down;
    return y == 0 ? x / y : q == 0 ? PT_LIBM(copysign)(0, x / y) : near;
}

PT_UNUSED static inline T PT_NAME(mod)(T x, T y)
{
    const T r = PT_LIBM(fmod)(x, y);
    return r == 0 ? PT_LIBM(copysign)(0, y) : (r < 0) != (y < 0) ? r + y : r;
}

/* e**-|x| does not overflow, and lies in [0, 1]. */
PT_UNUSED static inline T PT_NAME(sigmoid)(T x)
{
    const T e = PT_BELOW(x);
    return (x < 0 ? e : 1) / (1 + e);
}

PT_UNUSED static inline T PT_NAME(softplus)(T x)
{
    const T small = PT_LOG1P_UNIT(PT_BELOW(x));
    return (x > 0 ? x : 0) + small;
}

#undef PT_BELOW
#undef PT_LOG1P_UNIT

PT_UNUSED static inline T PT_NAME(log1mexp)(T x)
{
    const T far = PT_NAME(log1p)(-PT_NAME(exp)(x));
    const T near = PT_NAME(log)(-PT_NAME(expm1)(x));
    return x < (T)-0.69314718055994530942 ? far : near;
}

PT_UNUSED static inline T PT_NAME(gammaln)(T x)
{
    int sign;
    const T result = PT_LIBM(pt_lgamma)(x, &sign);
    return x < 0 && __builtin_isinf(x) ? x : result;
}

#undef PT_NAME
#undef PT_LIBM
#ifdef PT_ALONE
#undef T
#undef PT_SUFFIX
#undef PT_ALONE
#endif
