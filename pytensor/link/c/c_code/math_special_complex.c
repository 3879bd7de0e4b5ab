/* Functions that SciPy computes, of one complex type. Included once per type with T, R (of its parts) and
 * PT_SUFFIX. */
#include "pytensor.h"
#include "glue.h"
#include "special.h"

#ifndef PT_SUFFIX
#define PT_ALONE
#define T double _Complex
#define R double
#define PT_SUFFIX c128
#endif

#define PT_NAME(f) PT_GLUE(f, PT_SUFFIX)

#define PT_SPECIAL_1(f)                                                                                      \
    PT_UNUSED static inline T PT_NAME(f)(T x)                                                                \
    {                                                                                                        \
        return (T)PT_SPECIAL(c1, f##_c128)((double _Complex)x, 0);                                           \
    }
#define PT_SPECIAL_2(f)                                                                                      \
    PT_UNUSED static inline T PT_NAME(f)(R order, T x)                                                       \
    {                                                                                                        \
        return (T)PT_SPECIAL(c2, f##_c128)((double)order, (double _Complex)x, 0);                            \
    }

PT_SPECIAL_1(erf)
PT_SPECIAL_1(gamma)
PT_SPECIAL_1(psi)
PT_SPECIAL_2(ive)
PT_SPECIAL_2(jv)
PT_SPECIAL_2(kve)

#undef PT_SPECIAL_1
#undef PT_SPECIAL_2
#undef PT_NAME
#ifdef PT_ALONE
#undef T
#undef R
#undef PT_SUFFIX
#undef PT_ALONE
#endif
