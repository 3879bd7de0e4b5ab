/* The four element types of BLAS (s d c z), and the arithmetic that the plain loops need.
 *
 * A body is written once with NAME(function) and REAL, and included once per type with ELEMENT defined as the
 * letter. Complex numbers are two reals, multiplied by the textbook formula as NumPy does; `_Complex` would
 * add C99's recovery of infinities, which is slower and gives other NaNs.
 */
#ifndef PYTENSOR_BLAS_ELEMENT_H
#define PYTENSOR_BLAS_ELEMENT_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "fortran_blas.h"

#if defined(__GNUC__)
#define BLAS_HELPER static inline __attribute__((unused))
/* For the few that classify operands: with the element size a constant they shrink to some comparisons. */
#define BLAS_INLINE static inline __attribute__((unused, always_inline))
/* For what is rare or does much work per call: kept out of line, which keeps compiling short. */
#define BLAS_OUTLINE static __attribute__((unused, noinline))
#if defined(__OPTIMIZE__) && !defined(__clang__)
/* The few loops whose speed matters; the rest of a unit is compiled with less effort
 * (toolchain.LIBRARY_LEVEL).
 */
#define BLAS_LOOPS static __attribute__((unused, noinline, optimize("O3")))
#else
#define BLAS_LOOPS BLAS_OUTLINE
#endif
#else
#define BLAS_LOOPS static
#define BLAS_HELPER static inline
#define BLAS_OUTLINE static
#define BLAS_INLINE static inline
#endif

typedef float element_s, part_s, part_c; /* a part is the real or the imaginary one */
typedef double element_d, part_d, part_z;
typedef struct {
    float re, im;
} element_c;
typedef struct {
    double re, im;
} element_z;

#define NAME(function) BLAS_JOIN(BLAS_JOIN(function, _), ELEMENT)
#define REAL NAME(element)
#define IS_COMPLEX (sizeof(REAL) != sizeof(NAME(part)))
#define ROUTINE(env, name) ((env)->routines[BLAS_JOIN(BLAS_JOIN(BLAS_, ELEMENT), name)])

BLAS_HELPER element_s real_s(double v)
{
    return (float)v;
}

BLAS_HELPER element_d real_d(double v)
{
    return v;
}

BLAS_HELPER element_c real_c(double v)
{
    return (element_c){(float)v, 0.0f};
}

BLAS_HELPER element_z real_z(double v)
{
    return (element_z){v, 0.0};
}

BLAS_HELPER bool equals_s(element_s a, double v)
{
    return a == (float)v;
}

BLAS_HELPER bool equals_d(element_d a, double v)
{
    return a == v;
}

BLAS_HELPER bool equals_c(element_c a, double v)
{
    return a.re == (float)v && a.im == 0.0f;
}

BLAS_HELPER bool equals_z(element_z a, double v)
{
    return a.re == v && a.im == 0.0;
}

BLAS_INLINE element_s conj_s(element_s a)
{
    return a;
}

BLAS_INLINE element_d conj_d(element_d a)
{
    return a;
}

BLAS_INLINE element_c conj_c(element_c a)
{
    return (element_c){a.re, -a.im};
}

BLAS_INLINE element_z conj_z(element_z a)
{
    return (element_z){a.re, -a.im};
}

/* The number without its imaginary part. */
BLAS_INLINE element_s real_part_s(element_s a)
{
    return a;
}

BLAS_INLINE element_d real_part_d(element_d a)
{
    return a;
}

BLAS_INLINE element_c real_part_c(element_c a)
{
    return (element_c){a.re, 0.0f};
}

BLAS_INLINE element_z real_part_z(element_z a)
{
    return (element_z){a.re, 0.0};
}

BLAS_HELPER bool is_real_s(element_s a)
{
    (void)a;
    return true;
}

BLAS_HELPER bool is_real_d(element_d a)
{
    (void)a;
    return true;
}

BLAS_HELPER bool is_real_c(element_c a)
{
    return a.im == 0.0f;
}

BLAS_HELPER bool is_real_z(element_z a)
{
    return a.im == 0.0;
}

BLAS_INLINE element_s mul_s(element_s a, element_s b)
{
    return a * b;
}

BLAS_INLINE element_d mul_d(element_d a, element_d b)
{
    return a * b;
}

BLAS_INLINE element_c mul_c(element_c a, element_c b)
{
    return (element_c){a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}

BLAS_INLINE element_z mul_z(element_z a, element_z b)
{
    return (element_z){a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}

BLAS_INLINE element_s add_s(element_s a, element_s b)
{
    return a + b;
}

BLAS_INLINE element_d add_d(element_d a, element_d b)
{
    return a + b;
}

BLAS_INLINE element_c add_c(element_c a, element_c b)
{
    return (element_c){a.re + b.re, a.im + b.im};
}

BLAS_INLINE element_z add_z(element_z a, element_z b)
{
    return (element_z){a.re + b.re, a.im + b.im};
}

/* Loads and stores for any alignment; compilers turn them into plain moves. */
BLAS_INLINE element_s load_s(const char *p)
{
    element_s v;
    memcpy(&v, p, sizeof v);
    return v;
}

BLAS_INLINE element_d load_d(const char *p)
{
    element_d v;
    memcpy(&v, p, sizeof v);
    return v;
}

BLAS_INLINE element_c load_c(const char *p)
{
    element_c v;
    memcpy(&v, p, sizeof v);
    return v;
}

BLAS_INLINE element_z load_z(const char *p)
{
    element_z v;
    memcpy(&v, p, sizeof v);
    return v;
}

BLAS_INLINE void store_s(char *p, element_s v)
{
    memcpy(p, &v, sizeof v);
}

BLAS_INLINE void store_d(char *p, element_d v)
{
    memcpy(p, &v, sizeof v);
}

BLAS_INLINE void store_c(char *p, element_c v)
{
    memcpy(p, &v, sizeof v);
}

BLAS_INLINE void store_z(char *p, element_z v)
{
    memcpy(p, &v, sizeof v);
}

/* A register of 64 bytes of real and imaginary parts with the two swapped, where the compiler can say it. */
#if defined(__has_builtin)
#if __has_builtin(__builtin_shufflevector)
#define SWAPPED_s(v) __builtin_shufflevector(v, v, 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14)
#define SWAPPED_d(v) __builtin_shufflevector(v, v, 1, 0, 3, 2, 5, 4, 7, 6)
#define SWAPPED_c SWAPPED_s
#define SWAPPED_z SWAPPED_d
#endif
#endif

#endif
