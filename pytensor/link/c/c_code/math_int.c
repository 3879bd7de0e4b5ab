/* Integers of one type with NumPy's meaning: wrap around, division by 0 gives 0, shifts never undefined.
   Included once per type with T (the type), U (its unsigned twin), PT_SUFFIX and PT_SIGNED (0 or 1). */
#include "pytensor.h"
#include "glue.h"

#ifndef PT_SUFFIX
#define PT_ALONE
#define T int64_t
#define U uint64_t
#define PT_SIGNED 1
#define PT_SUFFIX i64
#endif

#define PT_NAME(f) PT_GLUE(f, PT_SUFFIX)

/* Narrow types are promoted to int: products of uint16_t would overflow it. Hence the wide unsigned type. */
PT_UNUSED static inline T PT_NAME(add)(T x, T y)
{
    return (T)((uint64_t)x + (uint64_t)y);
}

PT_UNUSED static inline T PT_NAME(sub)(T x, T y)
{
    return (T)((uint64_t)x - (uint64_t)y);
}

PT_UNUSED static inline T PT_NAME(mul)(T x, T y)
{
    return (T)((uint64_t)x * (uint64_t)y);
}

PT_UNUSED static inline T PT_NAME(neg)(T x)
{
    return (T)(0 - (uint64_t)x);
}

PT_UNUSED static inline T PT_NAME(maximum)(T x, T y)
{
    return x > y ? x : y;
}

PT_UNUSED static inline T PT_NAME(minimum)(T x, T y)
{
    return x < y ? x : y;
}

PT_UNUSED static inline T PT_NAME(pow)(T x, T y)
{
    uint64_t power = 1, base = (uint64_t)x;
    for (uint64_t n = (uint64_t)y; n; n >>= 1) {
        if (n & 1)
            power *= base;
        base *= base;
    }
    return (T)power;
}

PT_UNUSED static inline T PT_NAME(lshift)(T x, T y)
{
    const int out = (U)y >= 8 * sizeof(T);
    return out ? 0 : (T)((uint64_t)x << (out ? 0 : y));
}

#if PT_SIGNED
PT_UNUSED static inline T PT_NAME(abs)(T x)
{
    return x < 0 ? (T)(0 - (uint64_t)x) : x;
}

PT_UNUSED static inline T PT_NAME(sign)(T x)
{
    return (T)((x > 0) - (x < 0));
}

PT_UNUSED static inline T PT_NAME(rshift)(T x, T y)
{
    /* By one less than the width leaves the sign only. */
    return (T)(x >> ((U)y >= 8 * sizeof(T) ? 8 * sizeof(T) - 1 : (U)y));
}

PT_UNUSED static inline T PT_NAME(floordiv)(T x, T y)
{
    /* -1 apart: minimum / -1 traps. */
    const T by = y == 0 || y == -1 ? 1 : y;
    const T q = (T)(x / by);
    const T down = (T)(q - (x % by != 0 && (x < 0) != (by < 0)));
    return y == 0 ? 0 : y == -1 ? (T)(0 - (uint64_t)x) : down;
}

PT_UNUSED static inline T PT_NAME(mod)(T x, T y)
{
    const T by = y == 0 || y == -1 ? 1 : y;
    const T r = (T)(x % by);
    return r != 0 && (r < 0) != (by < 0) ? (T)(r + by) : r;
}
#else
PT_UNUSED static inline T PT_NAME(sign)(T x)
{
    return x > 0;
}

PT_UNUSED static inline T PT_NAME(rshift)(T x, T y)
{
    const int out = y >= 8 * sizeof(T);
    return out ? 0 : (T)(x >> (out ? 0 : y));
}

PT_UNUSED static inline T PT_NAME(floordiv)(T x, T y)
{
    return y == 0 ? 0 : (T)(x / (y == 0 ? 1 : y));
}

PT_UNUSED static inline T PT_NAME(mod)(T x, T y)
{
    return y == 0 ? 0 : (T)(x % (y == 0 ? 1 : y));
}
#endif

#undef PT_NAME
#ifdef PT_ALONE
#undef T
#undef U
#undef PT_SIGNED
#undef PT_SUFFIX
#undef PT_ALONE
#endif
