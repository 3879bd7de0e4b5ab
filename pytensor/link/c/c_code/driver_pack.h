/* Moving tiles of elements between strided arrays and contiguous buffers. Part of driver.c. */
#ifndef PYTENSOR_DRIVER_PACK_H
#define PYTENSOR_DRIVER_PACK_H

#include "pytensor.h"

#if defined(__GNUC__)
#define PT_COLD __attribute__((cold, noinline))
#define PT_NOINLINE __attribute__((noinline))
#else
#define PT_COLD
#define PT_NOINLINE
#endif

/* The driver is compiled with little effort; these loops are worth more. */
#if defined(__GNUC__) && !defined(__clang__)
#define PT_MOVING __attribute__((noinline, optimize("O3")))
#else
#define PT_MOVING PT_NOINLINE
#endif

#if defined(__has_builtin)
#if __has_builtin(__builtin_shufflevector)
#define PT_SHUFFLES
#endif
#endif

typedef struct {
    uint64_t part[2];
} pt_pair;

/* A line: strides that vector instructions serve, then any, four elements at a time. */
#define PT_MOVE_LINE(NAME, TYPE)                                                                             \
    PT_MOVING static void NAME(char *z, int64_t zs, const char *x, int64_t xs, int64_t n)                    \
    {                                                                                                        \
        const int64_t size = sizeof(TYPE);                                                                   \
        TYPE *to = (TYPE *)z;                                                                                \
        const TYPE *from = (const TYPE *)x;                                                                  \
        if (zs == size && xs == 0) {                                                                         \
            const TYPE value = *from;                                                                        \
            for (int64_t i = 0; i < n; i++)                                                                  \
                to[i] = value;                                                                               \
            return;                                                                                          \
        }                                                                                                    \
        if (zs == size && xs == 2 * size) {                                                                  \
            for (int64_t i = 0; i < n; i++)                                                                  \
                to[i] = from[2 * i];                                                                         \
            return;                                                                                          \
        }                                                                                                    \
        if (zs == size && xs == -size) {                                                                     \
            for (int64_t i = 0; i < n; i++)                                                                  \
                to[i] = from[-i];                                                                            \
            return;                                                                                          \
        }                                                                                                    \
        for (; n >= 4; n -= 4, z += 4 * zs, x += 4 * xs) {                                                   \
            const TYPE a = *(const TYPE *)x, b = *(const TYPE *)(x + xs);                                    \
            const TYPE c = *(const TYPE *)(x + 2 * xs), d = *(const TYPE *)(x + 3 * xs);                     \
            *(TYPE *)z = a;                                                                                  \
            *(TYPE *)(z + zs) = b;                                                                           \
            *(TYPE *)(z + 2 * zs) = c;                                                                       \
            *(TYPE *)(z + 3 * zs) = d;                                                                       \
        }                                                                                                    \
        for (; n > 0; n--, z += zs, x += xs)                                                                 \
            *(TYPE *)z = *(const TYPE *)x;                                                                   \
    }

PT_MOVE_LINE(pt_move_line_1, uint8_t)
PT_MOVE_LINE(pt_move_line_2, uint16_t)
PT_MOVE_LINE(pt_move_line_4, uint32_t)
PT_MOVE_LINE(pt_move_line_8, uint64_t)
PT_MOVE_LINE(pt_move_line_16, pt_pair)

#undef PT_MOVE_LINE

static inline void pt_move_line(char *z, int64_t zs, const char *x, int64_t xs, int64_t n, int64_t itemsize)
{
    if (zs == itemsize && xs == itemsize) {
        memcpy(z, x, (size_t)(n * itemsize));
        return;
    }
    switch (itemsize) {
    case 1:
        pt_move_line_1(z, zs, x, xs, n);
        return;
    case 2:
        pt_move_line_2(z, zs, x, xs, n);
        return;
    case 4:
        pt_move_line_4(z, zs, x, xs, n);
        return;
    case 8:
        pt_move_line_8(z, zs, x, xs, n);
        return;
    default:
        pt_move_line_16(z, zs, x, xs, n);
    }
}

#ifdef PT_SHUFFLES
typedef uint8_t pt_v1 __attribute__((vector_size(16)));
typedef uint16_t pt_v2 __attribute__((vector_size(16)));
typedef uint32_t pt_v4 __attribute__((vector_size(16)));
typedef uint64_t pt_v8 __attribute__((vector_size(16)));
#define PT_LOW_1(a, b) __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#define PT_HIGH_1(a, b)                                                                                      \
    __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
#define PT_LOW_2(a, b) __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11)
#define PT_HIGH_2(a, b) __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15)
#define PT_LOW_4(a, b) __builtin_shufflevector(a, b, 0, 4, 1, 5)
#define PT_HIGH_4(a, b) __builtin_shufflevector(a, b, 2, 6, 3, 7)
#define PT_LOW_8(a, b) __builtin_shufflevector(a, b, 0, 2)
#define PT_HIGH_8(a, b) __builtin_shufflevector(a, b, 1, 3)

/* Squares of N x N elements: lines of x become columns of z. Interleaving the halves of a list of vectors
   log2(N) times transposes them. */
#define PT_TRANSPOSE(BYTES, N)                                                                               \
    PT_MOVING static void pt_transpose_##BYTES(                                                              \
            char *z, int64_t zs, const char *x, int64_t xs, int64_t n0, int64_t n1)                          \
    {                                                                                                        \
        const int64_t squares = n1 / N * N;                                                                  \
        int64_t i = 0;                                                                                       \
        for (; i + N <= n0; i += N)                                                                          \
            for (int64_t j = 0; j < squares; j += N) {                                                       \
                pt_v##BYTES v[N], w[N];                                                                      \
                for (int k = 0; k < N; k++)                                                                  \
                    memcpy(&v[k], x + (i + k) * xs + j * BYTES, 16);                                         \
                for (int width = N; width > 1; width /= 2) {                                                 \
                    for (int k = 0; k < N / 2; k++) {                                                        \
                        w[2 * k] = PT_LOW_##BYTES(v[k], v[k + N / 2]);                                       \
                        w[2 * k + 1] = PT_HIGH_##BYTES(v[k], v[k + N / 2]);                                  \
                    }                                                                                        \
                    for (int k = 0; k < N; k++)                                                              \
                        v[k] = w[k];                                                                         \
                }                                                                                            \
                for (int k = 0; k < N; k++)                                                                  \
                    memcpy(z + (j + k) * zs + i * BYTES, &v[k], 16);                                         \
            }                                                                                                \
        for (int64_t k = 0; k < i && squares < n1; k++)                                                      \
            pt_move_line_##BYTES(                                                                            \
                    z + squares * zs + k * BYTES, zs, x + k * xs + squares * BYTES, BYTES, n1 - squares);    \
        for (; i < n0; i++)                                                                                  \
            pt_move_line_##BYTES(z + i * BYTES, zs, x + i * xs, BYTES, n1);                                  \
    }

PT_TRANSPOSE(1, 16)
PT_TRANSPOSE(2, 8)
PT_TRANSPOSE(4, 4)
PT_TRANSPOSE(8, 2)

#undef PT_TRANSPOSE

/* n0 lines of n1 contiguous elements, xs bytes apart, become columns of z, whose lines are zs bytes apart. */
static int pt_transpose(
        char *z, int64_t zs, const char *x, int64_t xs, int64_t n0, int64_t n1, int64_t itemsize)
{
    switch (itemsize) {
    case 1:
        pt_transpose_1(z, zs, x, xs, n0, n1);
        return 1;
    case 2:
        pt_transpose_2(z, zs, x, xs, n0, n1);
        return 1;
    case 4:
        pt_transpose_4(z, zs, x, xs, n0, n1);
        return 1;
    case 8:
        pt_transpose_8(z, zs, x, xs, n0, n1);
        return 1;
    default:
        return 0;
    }
}
#else
static int pt_transpose(
        char *z, int64_t zs, const char *x, int64_t xs, int64_t n0, int64_t n1, int64_t itemsize)
{
    (void)z, (void)zs, (void)x, (void)xs, (void)n0, (void)n1, (void)itemsize;
    return 0;
}
#endif

/* An n0 x n1 plane of elements. */
static void pt_move(char *z, int64_t z0, int64_t z1, const char *x, int64_t x0, int64_t x1, int64_t n0,
        int64_t n1, int64_t itemsize)
{
    if (x1 == itemsize && z0 == itemsize && z1 != itemsize && pt_transpose(z, z1, x, x0, n0, n1, itemsize))
        return;
    if (z1 == itemsize && x0 == itemsize && x1 != itemsize && pt_transpose(z, z0, x, x1, n1, n0, itemsize))
        return;
    for (int64_t i = 0; i < n0; i++, z += z0, x += x0)
        pt_move_line(z, z1, x, x1, n1, itemsize);
}

static inline int64_t pt_far(int64_t stride)
{
    return stride < 0 ? -stride : stride;
}

/* A tile of r x c elements between an array (strides s0, s1) and a contiguous buffer. */
static void pt_pack(
        char *buffer, char *x, int64_t s0, int64_t s1, int64_t r, int64_t c, int64_t itemsize, int back)
{
    int64_t b0 = c * itemsize, b1 = itemsize;
    if (r == 1 || c == 1) {
        const int64_t stride = r == 1 ? s1 : s0;
        if (back)
            pt_move_line(x, stride, buffer, itemsize, r * c, itemsize);
        else
            pt_move_line(buffer, itemsize, x, stride, r * c, itemsize);
        return;
    }
    /* Lines along the nearer elements, unless they are few. */
    if (pt_far(s0) < pt_far(s1) && r >= 4) {
        int64_t t = s0;
        s0 = s1, s1 = t;
        t = b0, b0 = b1, b1 = t;
        t = r, r = c, c = t;
    }
    if (back)
        pt_move(x, s0, s1, buffer, b0, b1, r, c, itemsize);
    else
        pt_move(buffer, b0, b1, x, s0, s1, r, c, itemsize);
}

#endif
