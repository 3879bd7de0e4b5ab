/* What the kernels use of the C library's mathematics, without its header (which costs milliseconds to read).
   On glibc for x86-64 the functions of libmvec are declared, so that loops over them become vector code. */
#ifndef PT_LIBM_H
#define PT_LIBM_H

#include "pytensor.h"

#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__)
#if __GLIBC_PREREQ(2, 22)
#define PT_VECTOR __attribute__((simd("notinbranch")))
#endif
#if __GLIBC_PREREQ(2, 35)
#define PT_VECTOR_35 __attribute__((simd("notinbranch")))
#endif
#endif
#ifndef PT_VECTOR
#define PT_VECTOR
#endif
#ifndef PT_VECTOR_35
#define PT_VECTOR_35
#endif

#ifndef INFINITY
#define INFINITY __builtin_inff()
#define NAN __builtin_nanf("")
#endif

#define PT_REAL1(kind, name)                                                                                 \
    kind double name(double x);                                                                              \
    kind float name##f(float x);
#define PT_REAL2(kind, name)                                                                                 \
    kind double name(double x, double y);                                                                    \
    kind float name##f(float x, float y);

PT_REAL1(, fabs)
PT_REAL1(, sqrt)
PT_REAL1(, ceil)
PT_REAL1(, floor)
PT_REAL1(, trunc)
PT_REAL1(, rint)
PT_REAL1(, round)
PT_REAL2(, copysign)
PT_REAL2(, fmod)
PT_REAL2(, hypot)
PT_REAL1(, tgamma)
PT_REAL1(PT_VECTOR, exp)
PT_REAL1(PT_VECTOR, log)
PT_REAL1(PT_VECTOR, sin)
PT_REAL1(PT_VECTOR, cos)
PT_REAL2(PT_VECTOR, pow)
PT_REAL1(PT_VECTOR_35, exp2)
PT_REAL1(PT_VECTOR_35, expm1)
PT_REAL1(PT_VECTOR_35, log2)
PT_REAL1(PT_VECTOR_35, log10)
PT_REAL1(PT_VECTOR_35, log1p)
PT_REAL1(PT_VECTOR_35, tan)
PT_REAL1(PT_VECTOR_35, asin)
PT_REAL1(PT_VECTOR_35, acos)
PT_REAL1(PT_VECTOR_35, atan)
PT_REAL1(PT_VECTOR_35, sinh)
PT_REAL1(PT_VECTOR_35, cosh)
PT_REAL1(PT_VECTOR_35, tanh)
PT_REAL1(PT_VECTOR_35, asinh)
PT_REAL1(PT_VECTOR_35, acosh)
PT_REAL1(PT_VECTOR_35, atanh)
PT_REAL1(PT_VECTOR_35, erf)
PT_REAL1(PT_VECTOR_35, erfc)
PT_REAL2(PT_VECTOR_35, atan2)

#undef PT_REAL1
#undef PT_REAL2

/* Macros in math.h. Undeclared they would be calls of functions, which new compilers refuse. */
#ifndef isnan
#define isnan(x) __builtin_isnan(x)
#endif
#ifndef isinf
#define isinf(x) __builtin_isinf(x)
#endif

/* lgamma writes a global; its twin with the sign apart does not, where there is one. */
#if defined(_WIN32)
double lgamma(double x);
float lgammaf(float x);
#define pt_lgamma(x, sign) ((void)(sign), lgamma(x))
#define pt_lgammaf(x, sign) ((void)(sign), lgammaf(x))
#else
double lgamma_r(double x, int *sign);
float lgammaf_r(float x, int *sign);
#define pt_lgamma lgamma_r
#define pt_lgammaf lgammaf_r
#endif

#endif
