/* Dot products: a Gemv of one row. No library routine that returns a number by value is trusted
 * (fortran_blas.h), and gemv for one row is slower than these loops.
 *
 * Sums are kept in many lanes, so that the next addition need not wait for the last one; gcc and clang map
 * the lanes to vector registers of whatever width there is.
 */
#include "matrix_view.h"

#ifndef ELEMENT /* compiled alone */
#define ELEMENT d
#endif

#define DOT_LANES (64 / (int64_t)sizeof(NAME(part)))

#if defined(__GNUC__)
typedef NAME(part) NAME(lanes) __attribute__((vector_size(64)));

BLAS_INLINE NAME(part) NAME(add_lanes)(const NAME(lanes) * lanes, int64_t first, int64_t step)
{
    NAME(part) sum = 0;
    for (int64_t i = first; i < DOT_LANES; i += step)
        sum += (*lanes)[i];
    return sum;
}
#endif

/* sum of x[i] y[i] over contiguous real numbers. */
BLAS_LOOPS NAME(part) NAME(real_dot)(const char *x, const char *y, int64_t n)
{
    NAME(part) sum = 0, u, v;
    int64_t i = 0;
#if defined(__GNUC__)
    const size_t width = sizeof(NAME(lanes));
    NAME(lanes) s0 = {0}, s1 = {0}, s2 = {0}, s3 = {0}, a, b;
    for (; i + 4 * DOT_LANES <= n; i += 4 * DOT_LANES, x += 4 * width, y += 4 * width) {
        memcpy(&a, x, width), memcpy(&b, y, width), s0 += a * b;
        memcpy(&a, x + width, width), memcpy(&b, y + width, width), s1 += a * b;
        memcpy(&a, x + 2 * width, width), memcpy(&b, y + 2 * width, width), s2 += a * b;
        memcpy(&a, x + 3 * width, width), memcpy(&b, y + 3 * width, width), s3 += a * b;
    }
    for (; i + DOT_LANES <= n; i += DOT_LANES, x += width, y += width)
        memcpy(&a, x, width), memcpy(&b, y, width), s0 += a * b;
    s0 = (s0 + s1) + (s2 + s3);
    sum = NAME(add_lanes)(&s0, 0, 1);
#endif
    for (; i < n; i++, x += sizeof u, y += sizeof u) {
        memcpy(&u, x, sizeof u);
        memcpy(&v, y, sizeof v);
        sum += u * v;
    }
    return sum;
}

/* sum of x[i] y[i] for any strides, in four sums. */
BLAS_LOOPS REAL NAME(strided_dot)(const char *x, int64_t x_stride, const char *y, int64_t y_stride, int64_t n)
{
    REAL s0 = NAME(real)(0.0), s1 = s0, s2 = s0, s3 = s0;
    for (; n >= 4; n -= 4, x += 4 * x_stride, y += 4 * y_stride) {
        s0 = NAME(add)(s0, NAME(mul)(NAME(load)(x), NAME(load)(y)));
        s1 = NAME(add)(s1, NAME(mul)(NAME(load)(x + x_stride), NAME(load)(y + y_stride)));
        s2 = NAME(add)(s2, NAME(mul)(NAME(load)(x + 2 * x_stride), NAME(load)(y + 2 * y_stride)));
        s3 = NAME(add)(s3, NAME(mul)(NAME(load)(x + 3 * x_stride), NAME(load)(y + 3 * y_stride)));
    }
    for (; n > 0; n--, x += x_stride, y += y_stride)
        s0 = NAME(add)(s0, NAME(mul)(NAME(load)(x), NAME(load)(y)));
    return NAME(add)(NAME(add)(s0, s1), NAME(add)(s2, s3));
}

/* The four sums of products of real and imaginary parts. */
typedef struct {
    NAME(part) re_re, im_im, re_im, im_re;
} NAME(part_sums);

BLAS_LOOPS void NAME(strided_part_sums)(
        NAME(part_sums) * sums, const char *x, int64_t x_stride, const char *y, int64_t y_stride, int64_t n)
{
    for (int64_t i = 0; i < n; i++, x += x_stride, y += y_stride) {
        NAME(part) a[2], b[2];
        memcpy(a, x, sizeof a);
        memcpy(b, y, sizeof b);
        sums->re_re += a[0] * b[0];
        sums->im_im += a[1] * b[1];
        sums->re_im += a[0] * b[1];
        sums->im_re += a[1] * b[0];
    }
}

#ifdef SWAPPED_s
/* The lanes of x times y hold re re and im im in turn; with the parts of y swapped, re im and im re. */
BLAS_LOOPS int64_t NAME(lane_part_sums)(NAME(part_sums) * sums, const char *x, const char *y, int64_t n)
{
    const size_t width = sizeof(NAME(lanes));
    NAME(lanes) straight = {0}, crossed = {0}, straight1 = {0}, crossed1 = {0}, a, b;
    int64_t i = 0;
    for (; i + DOT_LANES <= n; i += DOT_LANES, x += 2 * width, y += 2 * width) {
        memcpy(&a, x, width), memcpy(&b, y, width);
        straight += a * b, crossed += a * NAME(SWAPPED)(b);
        memcpy(&a, x + width, width), memcpy(&b, y + width, width);
        straight1 += a * b, crossed1 += a * NAME(SWAPPED)(b);
    }
    straight += straight1, crossed += crossed1;
    sums->re_re += NAME(add_lanes)(&straight, 0, 2);
    sums->im_im += NAME(add_lanes)(&straight, 1, 2);
    sums->re_im += NAME(add_lanes)(&crossed, 0, 2);
    sums->im_re += NAME(add_lanes)(&crossed, 1, 2);
    return i;
}
#endif

BLAS_HELPER void NAME(contiguous_part_sums)(NAME(part_sums) * sums, const char *x, const char *y, int64_t n)
{
    const int64_t number = 2 * (int64_t)sizeof(NAME(part));
#ifdef SWAPPED_s
    const int64_t done = NAME(lane_part_sums)(sums, x, y, n);
#else
    const int64_t done = 0;
#endif
    NAME(strided_part_sums)(sums, x + done * number, number, y + done * number, number, n - done);
}

/* sum of x[i] y[i], or of conj(x[i]) y[i], for any strides. */
BLAS_OUTLINE REAL NAME(dot)(const vector_view *x, const vector_view *y)
{
    const int64_t itemsize = (int64_t)sizeof(REAL);
    const bool contiguous = x->size <= 1 || (x->stride == itemsize && y->stride == itemsize);
    REAL result;
    if (IS_COMPLEX) {
        NAME(part_sums) sums = {0, 0, 0, 0};
        if (contiguous)
            NAME(contiguous_part_sums)(&sums, x->data, y->data, x->size);
        else
            NAME(strided_part_sums)(&sums, x->data, x->stride, y->data, y->stride, x->size);
        const NAME(part) x_sign = x->conj ? -1 : 1, y_sign = y->conj ? -1 : 1;
        const NAME(part) parts[] = {
                sums.re_re - x_sign * y_sign * sums.im_im, y_sign * sums.re_im + x_sign * sums.im_re};
        memcpy(&result, parts, sizeof result);
        return result;
    }
    if (contiguous) {
        const NAME(part) sum = NAME(real_dot)(x->data, y->data, x->size);
        memcpy(&result, &sum, sizeof result);
        return result;
    }
    return NAME(strided_dot)(x->data, x->stride, y->data, y->stride, x->size);
}

#undef DOT_LANES
