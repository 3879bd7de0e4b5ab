/* What loops over small arrays of known shapes call: see dispatch/static_ops.py. */
#ifndef PT_STATIC_H
#define PT_STATIC_H

#include "pytensor.h"

/* Rounded once where the processor can; a call of libm would take longer than the rest of the step. */
#ifdef __FP_FAST_FMA
#define pt_fma_f64(a, b, c) __builtin_fma(a, b, c)
#else
#define pt_fma_f64(a, b, c) ((a) * (b) + (c))
#endif
#ifdef __FP_FAST_FMAF
#define pt_fma_f32(a, b, c) __builtin_fmaf(a, b, c)
#else
#define pt_fma_f32(a, b, c) ((a) * (b) + (c))
#endif

#endif
