/* Casts that a C cast does not do as NumPy does, and exact comparison of int64 with uint64. */
#ifndef PT_MATH_CAST_H
#define PT_MATH_CAST_H

#include "pytensor.h"

/* Float to integer as the x86-64 conversions give it: out of range is the minimum of the wide type, whose low
   bits fill a narrow one. On other platforms the C cast is what NumPy uses, too. */
#if defined(__x86_64__) || defined(_M_X64)
#define pt_to_i64(x) ((int64_t)(x))
#define pt_to_i32(x) ((int32_t)(x))
#define pt_to_i16(x) ((int16_t)(int32_t)(x))
#define pt_to_i8(x) ((int8_t)(int32_t)(x))
#define pt_to_u16(x) ((uint16_t)(int32_t)(x))
#define pt_to_u8(x) ((uint8_t)(int32_t)(x))
#define pt_to_u32(x) ((uint32_t)(int64_t)(x))
static inline uint64_t pt_to_u64(double x)
{
    const double half = 9223372036854775808.0;
    return x < half ? (uint64_t)(int64_t)x : (uint64_t)(int64_t)(x - half) ^ ((uint64_t)1 << 63);
}
#else
#define pt_to_i64(x) ((int64_t)(x))
#define pt_to_i32(x) ((int32_t)(x))
#define pt_to_i16(x) ((int16_t)(x))
#define pt_to_i8(x) ((int8_t)(x))
#define pt_to_u16(x) ((uint16_t)(x))
#define pt_to_u8(x) ((uint8_t)(x))
#define pt_to_u32(x) ((uint32_t)(x))
#define pt_to_u64(x) ((uint64_t)(x))
#endif

#define pt_lt_iu(x, y) ((x) < 0 || (uint64_t)(x) < (y))
#define pt_le_iu(x, y) ((x) < 0 || (uint64_t)(x) <= (y))
#define pt_gt_iu(x, y) ((x) >= 0 && (uint64_t)(x) > (y))
#define pt_ge_iu(x, y) ((x) >= 0 && (uint64_t)(x) >= (y))
#define pt_eq_iu(x, y) ((x) >= 0 && (uint64_t)(x) == (y))
#define pt_neq_iu(x, y) ((x) < 0 || (uint64_t)(x) != (y))
#define pt_lt_ui(x, y) pt_gt_iu(y, x)
#define pt_le_ui(x, y) pt_ge_iu(y, x)
#define pt_gt_ui(x, y) pt_lt_iu(y, x)
#define pt_ge_ui(x, y) pt_le_iu(y, x)
#define pt_eq_ui(x, y) pt_eq_iu(y, x)
#define pt_neq_ui(x, y) pt_neq_iu(y, x)

#endif
