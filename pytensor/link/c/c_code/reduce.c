/* Reducing lines and rows of one type with one operation. Included once per combination, with
   IN (elements), ACC (partial results), OUT (results), PT_SUFFIX, and expressions PT_LOAD (of x, as ACC),
   PT_COMBINE (of a and b), PT_IDENTITY and PT_STORE (of a, as OUT). */
#include "pytensor.h"
#include "glue.h"
#include "elemwise.h"

#ifndef PT_SUFFIX
#define PT_ALONE
#define IN float
#define ACC double
#define OUT float
#define PT_SUFFIX add_f32_f64_f32
#define PT_LOAD (double)x
#define PT_COMBINE a + b
#define PT_IDENTITY 0
#define PT_STORE (float)a
#endif

#define PT_NAME(f) PT_GLUE(f, PT_SUFFIX)
#define LANES 32

static inline ACC PT_NAME(load)(IN x)
{
    return PT_LOAD;
}

static inline ACC PT_NAME(combine)(ACC a, ACC b)
{
    return PT_COMBINE;
}

static void PT_NAME(start)(void *acc, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        ((ACC *)acc)[i] = PT_IDENTITY;
}

static void PT_NAME(merge)(void *into, const void *from, int64_t n)
{
    ACC *a = into;
    const ACC *b = from;
    PT_IVDEP
    for (int64_t i = 0; i < n; i++)
        a[i] = PT_NAME(combine)(a[i], b[i]);
}

static void PT_NAME(store)(char *z, int64_t stride, const void *from, int64_t n)
{
    if (stride == sizeof(OUT)) {
        PT_IVDEP
        for (int64_t i = 0; i < n; i++) {
            const ACC a = ((const ACC *)from)[i];
            ((OUT *)z)[i] = PT_STORE;
        }
        return;
    }
    for (int64_t i = 0; i < n; i++, z += stride) {
        const ACC a = ((const ACC *)from)[i];
        *(OUT *)z = PT_STORE;
    }
}

/* Contiguous elements: lanes side by side are one vector; halves of long lines are reduced apart, so that
   rounding errors grow with the logarithm of the length. */
static ACC PT_NAME(line)(const IN *x, int64_t n)
{
    if (n > 4096) {
        const int64_t half = n / 2 / LANES * LANES;
        const ACC a = PT_NAME(line)(x, half), b = PT_NAME(line)(x + half, n - half);
        return PT_NAME(combine)(a, b);
    }
    ACC a = PT_IDENTITY;
    int64_t i = 0;
    if (n >= LANES) {
        ACC lane[LANES];
        for (int k = 0; k < LANES; k++)
            lane[k] = PT_NAME(load)(x[k]);
        for (i = LANES; i + LANES <= n; i += LANES)
            for (int k = 0; k < LANES; k++)
                lane[k] = PT_NAME(combine)(lane[k], PT_NAME(load)(x[i + k]));
        for (int width = LANES / 2; width; width /= 2)
            for (int k = 0; k < width; k++)
                lane[k] = PT_NAME(combine)(lane[k], lane[k + width]);
        a = lane[0];
    }
    for (; i < n; i++)
        a = PT_NAME(combine)(a, PT_NAME(load)(x[i]));
    return a;
}

/* acc[i] takes in row i. */
static void PT_NAME(lines)(void *acc, const char *x, int64_t row_stride, int64_t rows, int64_t n)
{
    for (int64_t i = 0; i < rows; i++, x += row_stride)
        ((ACC *)acc)[i] = PT_NAME(combine)(((ACC *)acc)[i], PT_NAME(line)((const IN *)x, n));
}

/* acc[j] takes in column j; four rows at a time. */
static void PT_NAME(rows)(void *acc, const char *x, int64_t row_stride, int64_t rows, int64_t n)
{
    ACC *a = acc;
    int64_t i = 0;
    for (; i + 4 <= rows; i += 4, x += 4 * row_stride) {
        const IN *x0 = (const IN *)x, *x1 = (const IN *)(x + row_stride);
        const IN *x2 = (const IN *)(x + 2 * row_stride), *x3 = (const IN *)(x + 3 * row_stride);
        PT_IVDEP
        for (int64_t j = 0; j < n; j++) {
            const ACC low = PT_NAME(combine)(PT_NAME(load)(x0[j]), PT_NAME(load)(x1[j]));
            const ACC high = PT_NAME(combine)(PT_NAME(load)(x2[j]), PT_NAME(load)(x3[j]));
            a[j] = PT_NAME(combine)(a[j], PT_NAME(combine)(low, high));
        }
    }
    for (; i + 2 <= rows; i += 2, x += 2 * row_stride) {
        const IN *x0 = (const IN *)x, *x1 = (const IN *)(x + row_stride);
        PT_IVDEP
        for (int64_t j = 0; j < n; j++)
            a[j] = PT_NAME(combine)(a[j], PT_NAME(combine)(PT_NAME(load)(x0[j]), PT_NAME(load)(x1[j])));
    }
    for (; i < rows; i++, x += row_stride) {
        const IN *x0 = (const IN *)x;
        PT_IVDEP
        for (int64_t j = 0; j < n; j++)
            a[j] = PT_NAME(combine)(a[j], PT_NAME(load)(x0[j]));
    }
}

PT_UNUSED static const pt_reducer PT_NAME(reducer) = {sizeof(IN), sizeof(ACC), sizeof(OUT), PT_NAME(start),
        PT_NAME(merge), PT_NAME(store), PT_NAME(lines), PT_NAME(rows)};

#undef LANES
#undef PT_NAME
#ifdef PT_ALONE
#undef IN
#undef ACC
#undef OUT
#undef PT_SUFFIX
#undef PT_LOAD
#undef PT_COMBINE
#undef PT_IDENTITY
#undef PT_STORE
#undef PT_ALONE
#endif
