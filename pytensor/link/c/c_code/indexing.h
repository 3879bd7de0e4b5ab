/* Kernels of indexing by numbers and slices; their parameters are written in dispatch/subtensor.py. */
#ifndef PT_INDEXING_H
#define PT_INDEXING_H

#include "copy.h"
#include "half.h"
#include "index.h"
#include "views.h"

enum { PT_WHOLE, PT_INDEX, PT_SLICE };

/* Part of a slice: 256 times the number of its input and the dtype; negative: absent. */
static inline int64_t pt_index_part(pt_array *const *args, int64_t part)
{
    if (part < 0)
        return PT_ABSENT;
    const int64_t i = pt_read_int(args[part >> 8]->data, part & 255);
    return i == PT_ABSENT ? PT_ABSENT + 1 : i;
}

/* The region of x that is indexed. p: number of entries, axes of x; of each entry its kind and three parts.
 */
static inline int pt_region(pt_ctx *ctx, pt_array *const *args, const int64_t *p, const pt_array *x,
        char **data, int64_t *shape, int64_t *strides)
{
    const int64_t n = p[0], ndim = p[1];
    int64_t k = 0;
    p += 2;
    for (int64_t axis = 0; axis < ndim; axis++, p += 4) {
        const int64_t length = x->shape[axis], stride = x->strides[axis];
        int status = PT_OK;
        if (axis >= n || p[0] == PT_WHOLE) {
            shape[k] = length;
            strides[k++] = stride;
        } else if (p[0] == PT_INDEX)
            status = pt_take_index(
                    ctx, data, pt_read_int(args[p[1] >> 8]->data, p[1] & 255), length, stride, (int)axis);
        else {
            status = pt_take_slice(ctx, data, pt_index_part(args, p[1]), pt_index_part(args, p[2]),
                    pt_index_part(args, p[3]), length, stride, &shape[k], &strides[k]);
            k++;
        }
        if (PT_UNLIKELY(status))
            return status;
    }
    return PT_OK;
}

/* inputs; the region */
PT_KERNEL(pt_subtensor)
{
    const int64_t *p = pt_parameters(program);
    pt_array *z = args[p[0]];
    char *data = args[0]->data;
    int status = pt_region(ctx, args, p + 1, args[0], &data, z->shape, z->strides);
    z->data = data;
    return status;
}

/* Elements of y are added to those of z. */
typedef void pt_add_line(char *z, int64_t zs, const char *y, int64_t ys, int64_t n);
typedef void pt_add_at(char *z, const int64_t *offset, const char *y, int64_t ys, int64_t n);

#define PT_ADD_LINE(SUFFIX, T, OPERATOR)                                                                     \
    static void pt_add_line_##SUFFIX(char *z, int64_t zs, const char *y, int64_t ys, int64_t n)              \
    {                                                                                                        \
        if (zs == sizeof(T) && ys == sizeof(T))                                                              \
            for (int64_t i = 0; i < n; i++)                                                                  \
                ((T *)z)[i] OPERATOR((const T *)y)[i];                                                       \
        else                                                                                                 \
            for (int64_t i = 0; i < n; i++, z += zs, y += ys)                                                \
                *(T *)z OPERATOR *(const T *)y;                                                              \
    }                                                                                                        \
    static void pt_add_at_##SUFFIX(char *z, const int64_t *offset, const char *y, int64_t ys, int64_t n)     \
    {                                                                                                        \
        for (int64_t i = 0; i < n; i++, y += ys)                                                             \
            *(T *)(z + offset[i]) OPERATOR *(const T *)y;                                                    \
    }
PT_ADD_LINE(i8, int8_t, +=)
PT_ADD_LINE(i16, int16_t, +=)
PT_ADD_LINE(i32, int32_t, +=)
PT_ADD_LINE(i64, int64_t, +=)
PT_ADD_LINE(f32, float, +=)
PT_ADD_LINE(f64, double, +=)
PT_ADD_LINE(c64, float _Complex, +=)
PT_ADD_LINE(c128, double _Complex, +=)
PT_ADD_LINE(bool, uint8_t, |=)
#undef PT_ADD_LINE

static inline void pt_add_half(char *z, const char *y)
{
    uint16_t *sum = (uint16_t *)z;
    *sum = pt_half_from_f32(pt_half_to_f32(*sum) + pt_half_to_f32(*(const uint16_t *)y));
}

static void pt_add_line_f16(char *z, int64_t zs, const char *y, int64_t ys, int64_t n)
{
    for (int64_t i = 0; i < n; i++, z += zs, y += ys)
        pt_add_half(z, y);
}

static void pt_add_at_f16(char *z, const int64_t *offset, const char *y, int64_t ys, int64_t n)
{
    for (int64_t i = 0; i < n; i++, y += ys)
        pt_add_half(z + offset[i], y);
}

/* By number of the dtype, float16 last; sums of signed and unsigned integers are the same bits. */
static pt_add_line *const pt_add_lines[] = {NULL, pt_add_line_i8, pt_add_line_i16, pt_add_line_i32,
        pt_add_line_i64, pt_add_line_i8, pt_add_line_i16, pt_add_line_i32, pt_add_line_i64, pt_add_line_f32,
        pt_add_line_f64, pt_add_line_c64, pt_add_line_c128, pt_add_line_bool, pt_add_line_f16};
PT_UNUSED static pt_add_at *const pt_adds_at[] = {NULL, pt_add_at_i8, pt_add_at_i16, pt_add_at_i32,
        pt_add_at_i64, pt_add_at_i8, pt_add_at_i16, pt_add_at_i32, pt_add_at_i64, pt_add_at_f32,
        pt_add_at_f64, pt_add_at_c64, pt_add_at_c128, pt_add_at_bool, pt_add_at_f16};

static void pt_add_all(pt_add_line *add, char *z, const int64_t *zs, const char *y, const int64_t *ys,
        const int64_t *shape, int ndim)
{
    if (ndim == 0)
        add(z, 0, y, 0, 1);
    else if (ndim == 1)
        add(z, zs[0], y, ys[0], shape[0]);
    else
        for (int64_t i = 0; i < shape[0]; i++)
            pt_add_all(add, z + i * zs[0], zs + 1, y + i * ys[0], ys + 1, shape + 1, ndim - 1);
}

/* z becomes x itself, or a copy of it (or its memory, if the plan gave it). */
static int pt_start_from(
        pt_ctx *ctx, const pt_array *x, pt_array *z, int ndim, int64_t itemsize, int64_t inplace)
{
    if (inplace) {
        pt_view(z, x, ndim);
        return PT_OK;
    }
    pt_same_shape(z, x, ndim);
    int status = pt_alloc(ctx, z, ndim, itemsize);
    if (status == PT_OK && z->data != x->data) {
        pt_heavy(ctx, (double)pt_size(x, ndim));
        pt_copy(z->data, z->strides, x->data, x->strides, x->shape, ndim, itemsize);
    }
    return status;
}

/* inputs, whether in place, itemsize, dtype to add (0: set), axes of the region, axes of y, axes of y that
   have length 1 by type (bits); the region */
PT_KERNEL(pt_inc_subtensor)
{
    const int64_t *p = pt_parameters(program);
    const int ndim = (int)p[4], y_ndim = (int)p[5];
    const pt_array *y = args[1];
    pt_array *z = args[p[0]];
    int64_t shape[65], strides[65], ys[65] = {0};
    int status = pt_start_from(ctx, args[0], z, (int)p[8], p[2], p[1]);
    char *data = z->data;
    if (status || (status = pt_region(ctx, args, p + 7, z, &data, shape, strides)))
        return status;
    for (int i = 0, k = ndim - y_ndim; i < y_ndim; i++, k++) {
        const int64_t have = y->shape[i];
        if (k < 0 && have != 1)
            return pt_fail(ctx, PT_VALUE_ERROR, "[IncSubtensor] y has too many axes for the indexed region");
        if (k < 0 || p[6] >> i & 1)
            continue;
        if (have == shape[k])
            ys[k] = y->strides[i];
        else if (have != 1)
            return pt_fail(ctx, PT_VALUE_ERROR,
                    "[IncSubtensor] y must broadcast to the indexed region, got length %lld for %lld on "
                    "axis %d",
                    (long long)have, (long long)shape[k], k);
    }
    if (p[3])
        pt_add_all(pt_add_lines[p[3]], data, strides, y->data, ys, shape, ndim);
    else
        pt_copy(data, strides, y->data, ys, shape, ndim, p[2]);
    return PT_OK;
}

#endif
