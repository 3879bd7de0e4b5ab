/* Complex functions of one type. Included once per type with T, R (the type of the parts), PT_SUFFIX
   and, for float parts, PT_SINGLE. */
#include "pytensor.h"
#include "glue.h"
#include "libm.h"

#ifndef PT_SUFFIX
#define PT_ALONE
#define T double _Complex
#define R double
#define PT_SUFFIX c128
#endif

#define PT_NAME(f) PT_GLUE(f, PT_SUFFIX)
#ifdef PT_SINGLE
#define PT_LIBM(name) name##f
#else
#define PT_LIBM(name) name
#endif

/* From parts: re + im * I would spoil infinities and signed zeros. */
PT_UNUSED static inline T PT_NAME(complex)(R re, R im)
{
    T z;
    __real__ z = re;
    __imag__ z = im;
    return z;
}

#define PT_UNARY(f, g)                                                                                       \
    extern T PT_LIBM(g)(T x);                                                                                \
    PT_UNUSED static inline T PT_NAME(f)(T x)                                                                \
    {                                                                                                        \
        return PT_LIBM(g)(x);                                                                                \
    }

PT_UNARY(sqrt, csqrt)
PT_UNARY(exp, cexp)
PT_UNARY(log, clog)
PT_UNARY(sin, csin)
PT_UNARY(cos, ccos)
PT_UNARY(tan, ctan)
PT_UNARY(asin, casin)
PT_UNARY(acos, cacos)
PT_UNARY(atan, catan)
PT_UNARY(sinh, csinh)
PT_UNARY(cosh, ccosh)
PT_UNARY(tanh, ctanh)
PT_UNARY(asinh, casinh)
PT_UNARY(acosh, cacosh)
PT_UNARY(atanh, catanh)

#undef PT_UNARY

/* Complex numbers are ordered by their real parts, then by the imaginary ones; the first NaN wins. */
PT_UNUSED static inline int PT_NAME(not_less)(T x, T y)
{
    const R a = __real__ x, b = __imag__ x, c = __real__ y, d = __imag__ y;
    return (a > c && b == b && d == d) || (a == c && b >= d);
}

PT_UNUSED static inline int PT_NAME(unordered)(T x)
{
    return __real__ x != __real__ x || __imag__ x != __imag__ x;
}

PT_UNUSED static inline T PT_NAME(maximum)(T x, T y)
{
    return PT_NAME(unordered)(x) || PT_NAME(not_less)(x, y) ? x : y;
}

PT_UNUSED static inline T PT_NAME(minimum)(T x, T y)
{
    return PT_NAME(unordered)(x) || PT_NAME(not_less)(y, x) ? x : y;
}

PT_UNUSED static inline R PT_NAME(real)(T x)
{
    return __real__ x;
}

PT_UNUSED static inline R PT_NAME(imag)(T x)
{
    return __imag__ x;
}

PT_UNUSED static inline R PT_NAME(abs)(T x)
{
    return PT_LIBM(hypot)(__real__ x, __imag__ x);
}

PT_UNUSED static inline R PT_NAME(angle)(T x)
{
    return PT_LIBM(atan2)(__imag__ x, __real__ x);
}

PT_UNUSED static inline T PT_NAME(conj)(T x)
{
    return PT_NAME(complex)(__real__ x, -__imag__ x);
}

PT_UNUSED static inline uint8_t PT_NAME(isnan)(T x)
{
    return __real__ x != __real__ x || __imag__ x != __imag__ x;
}

PT_UNUSED static inline uint8_t PT_NAME(isinf)(T x)
{
    return __builtin_isinf(__real__ x) || __builtin_isinf(__imag__ x);
}

/* Ordered by real parts, then by imaginary parts; false with a NaN. */
#define PT_COMPARE(f, less, last)                                                                            \
    PT_UNUSED static inline uint8_t PT_NAME(f)(T x, T y)                                                     \
    {                                                                                                        \
        return !PT_NAME(isnan)(x) && !PT_NAME(isnan)(y) &&                                                   \
               (__real__ x less __real__ y || (__real__ x == __real__ y && __imag__ x last __imag__ y));     \
    }

PT_COMPARE(lt, <, <)
PT_COMPARE(le, <, <=)
PT_COMPARE(gt, >, >)
PT_COMPARE(ge, >, >=)

#undef PT_COMPARE

PT_UNUSED static inline T PT_NAME(mul)(T x, T y)
{
    const R a = __real__ x, b = __imag__ x, c = __real__ y, d = __imag__ y;
    return PT_NAME(complex)(a * c - b * d, a * d + b * c);
}

/* R. L. Smith, Algorithm 116 (1962): scaled by the larger part of y. */
PT_UNUSED static inline T PT_NAME(div)(T x, T y)
{
    const R a = __real__ x, b = __imag__ x, c = __real__ y, d = __imag__ y;
    const R c_size = PT_LIBM(fabs)(c), d_size = PT_LIBM(fabs)(d);
    if (c_size >= d_size) {
        if (c_size == 0 && d_size == 0)
            return PT_NAME(complex)(a / c_size, b / c_size);
        const R ratio = d / c, scale = 1 / (c + d * ratio);
        return PT_NAME(complex)((a + b * ratio) * scale, (b - a * ratio) * scale);
    }
    const R ratio = c / d, scale = 1 / (d + c * ratio);
    return PT_NAME(complex)((a * ratio + b) * scale, (b * ratio - a) * scale);
}

PT_UNUSED static inline T PT_NAME(sign)(T x)
{
    const R size = PT_NAME(abs)(x);
    if (PT_NAME(isnan)(x))
        return PT_NAME(complex)((R)__builtin_nan(""), (R)__builtin_nan(""));
    if (size == 0)
        return 0;
    if (!__builtin_isinf(size))
        return PT_NAME(complex)(__real__ x / size, __imag__ x / size);
    /* On an axis the direction is known; between two infinite parts it is not. */
    const int re = __builtin_isinf(__real__ x) != 0, im = __builtin_isinf(__imag__ x) != 0;
    if (re && im)
        return PT_NAME(complex)((R)__builtin_nan(""), (R)__builtin_nan(""));
    return PT_NAME(complex)(
            re ? PT_LIBM(copysign)(1, __real__ x) : 0, im ? PT_LIBM(copysign)(1, __imag__ x) : 0);
}

extern T PT_LIBM(cpow)(T x, T y);

PT_UNUSED static inline T PT_NAME(pow)(T x, T y)
{
    const R re = __real__ y, im = __imag__ y;
    if (re == 0 && im == 0)
        return 1;
    if (__real__ x == 0 && __imag__ x == 0) {
        if (re > 0)
            return 0;
        return PT_NAME(complex)((R)__builtin_nan(""), (R)__builtin_nan(""));
    }
    if (im == 0 && re > -100 && re < 100 && re == PT_LIBM(trunc)(re)) {
        int n = (int)re, bits = n < 0 ? -n : n;
        T power = 1, base = x;
        for (; bits; bits >>= 1) {
            if (bits & 1)
                power = PT_NAME(mul)(power, base);
            base = PT_NAME(mul)(base, base);
        }
        return n < 0 ? PT_NAME(div)(1, power) : power;
    }
    return PT_LIBM(cpow)(x, y);
}

PT_UNUSED static inline T PT_NAME(exp2)(T x)
{
    const R ln2 = (R)0.69314718055994530942;
    return PT_LIBM(cexp)(PT_NAME(complex)(__real__ x * ln2, __imag__ x * ln2));
}

PT_UNUSED static inline T PT_NAME(expm1)(T x)
{
    const R a = __real__ x, b = __imag__ x, s = PT_LIBM(sin)(b / 2);
    return PT_NAME(complex)(
            PT_LIBM(expm1)(a) * PT_LIBM(cos)(b) - 2 * s * s, PT_LIBM(exp)(a) * PT_LIBM(sin)(b));
}

PT_UNUSED static inline T PT_NAME(log1p)(T x)
{
    const R a = 1 + __real__ x, b = __imag__ x;
    return PT_NAME(complex)(PT_LIBM(log)(PT_LIBM(hypot)(a, b)), PT_LIBM(atan2)(b, a));
}

PT_UNUSED static inline T PT_NAME(log2)(T x)
{
    const T y = PT_LIBM(clog)(x);
    const R by = (R)1.4426950408889634074;
    return PT_NAME(complex)(__real__ y * by, __imag__ y * by);
}

PT_UNUSED static inline T PT_NAME(log10)(T x)
{
    const T y = PT_LIBM(clog)(x);
    const R by = (R)0.43429448190325182765;
    return PT_NAME(complex)(__real__ y * by, __imag__ y * by);
}

#undef PT_NAME
#undef PT_LIBM
#ifdef PT_ALONE
#undef T
#undef R
#undef PT_SUFFIX
#undef PT_ALONE
#endif
