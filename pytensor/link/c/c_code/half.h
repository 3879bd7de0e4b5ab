/* float16 by its bits: no compiler needs to know the type, and loops become vector code. Elements are
 * uint16_t. */
#ifndef PT_HALF_H
#define PT_HALF_H

#include "pytensor.h"

/* Exact. */
static inline float pt_half_to_f32(uint16_t h)
{
    uint32_t bits = (uint32_t)(h & 0x7fff) << 13;
    float x;
    memcpy(&x, &bits, 4);
    /* The bias of a float's exponent is larger by 112; small ones become normal. */
    x *= 0x1p112f;
    memcpy(&bits, &x, 4);
    bits |= (h & 0x7c00) == 0x7c00 ? 0x7f800000u : 0u;
    bits |= (uint32_t)(h & 0x8000) << 16;
    memcpy(&x, &bits, 4);
    return x;
}

/* To the nearest, halves to even. */
static inline uint16_t pt_half_from_f32(float x)
{
    uint32_t bits, small;
    memcpy(&bits, &x, 4);
    const uint32_t sign = bits >> 16 & 0x8000, m = bits & 0x7fffffff;
    float shifted;
    memcpy(&shifted, &m, 4);
    /* The last bit of a number beside 1/2 is that of a half without its exponent: the sum rounds. */
    shifted += 0.5f;
    memcpy(&small, &shifted, 4);
    small -= 0x3f000000;
    const uint32_t normal = (m + 0xfff + (m >> 13 & 1) - 0x38000000) >> 13;
    const uint32_t nan = 0x7c00 | (m >> 13 & 0x3ff) | ((m >> 13 & 0x3ff) == 0);
    uint32_t result = m < 0x38800000 ? small : normal;
    result = m < 0x47800000 ? result : 0x7c00;
    result = m > 0x7f800000 ? nan : result;
    return (uint16_t)(result | sign);
}

/* Rounded once: by way of the float towards x whose last bit says that something was lost. */
static inline uint16_t pt_half_from_f64(double x)
{
    float f = (float)x;
    const double lost = x - (double)f;
    uint32_t bits;
    memcpy(&bits, &f, 4);
    const uint32_t step = (lost < 0) == (x < 0) ? 1u : UINT32_MAX;
    /* Nothing is lost of infinities (where the difference is NaN). */
    bits += lost == lost && lost != 0 && !(bits & 1) ? step : 0u;
    memcpy(&f, &bits, 4);
    return pt_half_from_f32(f);
}

#endif
