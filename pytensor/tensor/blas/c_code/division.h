/* Subtraction and division of the four element types. */
#ifndef PYTENSOR_BLAS_DIVISION_H
#define PYTENSOR_BLAS_DIVISION_H

#include "element.h"

BLAS_INLINE element_s sub_s(element_s a, element_s b)
{
    return a - b;
}

BLAS_INLINE element_d sub_d(element_d a, element_d b)
{
    return a - b;
}

BLAS_INLINE element_c sub_c(element_c a, element_c b)
{
    return (element_c){a.re - b.re, a.im - b.im};
}

BLAS_INLINE element_z sub_z(element_z a, element_z b)
{
    return (element_z){a.re - b.re, a.im - b.im};
}

BLAS_INLINE element_s divide_s(element_s a, element_s b)
{
    return a / b;
}

BLAS_INLINE element_d divide_d(element_d a, element_d b)
{
    return a / b;
}

/* Smith (1962): scaled by the larger part of the divisor, so that its square neither over- nor underflows. */
BLAS_HELPER element_z divide_z(element_z a, element_z b)
{
    const double re = b.re < 0 ? -b.re : b.re, im = b.im < 0 ? -b.im : b.im;
    if (re >= im) {
        const double ratio = b.im / b.re, scale = b.re + b.im * ratio;
        return (element_z){(a.re + a.im * ratio) / scale, (a.im - a.re * ratio) / scale};
    }
    const double ratio = b.re / b.im, scale = b.re * ratio + b.im;
    return (element_z){(a.re * ratio + a.im) / scale, (a.im * ratio - a.re) / scale};
}

BLAS_HELPER element_c divide_c(element_c a, element_c b)
{
    const element_z q = divide_z((element_z){a.re, a.im}, (element_z){b.re, b.im});
    return (element_c){(float)q.re, (float)q.im};
}

#endif
