/* Kernels that look at shapes and give views; their parameters are written in dispatch/shape.py. */
#ifndef PT_VIEWS_H
#define PT_VIEWS_H

#include "parameters.h"
#include "reshape.h"

#define PT_KERNEL(name)                                                                                      \
    PT_UNUSED static int name(PT_UNUSED pt_ctx *ctx, pt_array *const *args, const void *program)

/* ndim */
PT_KERNEL(pt_same_view)
{
    pt_view(args[1], args[0], (int)pt_parameters(program)[0]);
    return PT_OK;
}

/* dropped axes, axes of z, itemsize; the dropped; for each axis of z one of x, or -1 */
PT_KERNEL(pt_dimshuffle)
{
    const int64_t *p = pt_parameters(program), *axis = p + 3;
    const pt_array *x = args[0];
    pt_array *z = args[1];
    for (int64_t i = 0; i < p[0]; i++, axis++)
        if (PT_UNLIKELY(x->shape[*axis] != 1))
            return pt_fail(ctx, PT_VALUE_ERROR,
                    "[DimShuffle] cannot select an axis to squeeze out which has size not equal to one: axis "
                    "%d of length %lld",
                    (int)*axis, (long long)x->shape[*axis]);
    z->data = x->data;
    for (int64_t i = 0; i < p[1]; i++, axis++) {
        /* The stride of a new axis does not matter; this one keeps contiguous arrays contiguous. */
        z->shape[i] = *axis < 0 ? 1 : x->shape[*axis];
        z->strides[i] = *axis < 0 ? p[2] : x->strides[*axis];
    }
    return PT_OK;
}

/* axis */
PT_KERNEL(pt_shape_i)
{
    int status = pt_alloc(ctx, args[1], 0, 8);
    if (PT_LIKELY(status == PT_OK))
        *(int64_t *)args[1]->data = args[0]->shape[pt_parameters(program)[0]];
    return status;
}

/* ndim */
PT_KERNEL(pt_shape)
{
    const int64_t ndim = pt_parameters(program)[0];
    args[1]->shape[0] = ndim;
    int status = pt_alloc(ctx, args[1], 1, 8);
    for (int64_t i = 0; status == PT_OK && i < ndim; i++)
        ((int64_t *)args[1]->data)[i] = args[0]->shape[i];
    return status;
}

/* ndim; for each axis the dtype of its length, 0: any length; the name of the operation that asks, or nothing
 */
PT_KERNEL(pt_specify_shape)
{
    const int64_t *p = pt_parameters(program);
    for (int64_t k = 0; k < p[0]; k++) {
        if (!p[1 + k])
            continue;
        const int64_t want = pt_read_int(args[1 + k]->data, p[1 + k]), have = args[0]->shape[k];
        if (PT_LIKELY(have == want))
            continue;
        const char *operation = (const char *)(p + 1 + p[0]);
        if (*operation)
            return pt_fail(ctx, PT_VALUE_ERROR,
                    "[%s] Input dimension mismatch: operands could not be broadcast together on axis %d, got "
                    "lengths %lld and %lld",
                    operation, (int)k, (long long)want, (long long)have);
        return pt_fail(ctx, PT_ASSERTION_ERROR,
                "SpecifyShape: dim %d of input has shape %lld, expected %lld.", (int)k, (long long)have,
                (long long)want);
    }
    pt_view(args[1 + p[0]], args[0], (int)p[0]);
    return PT_OK;
}

/* axes of x, axes of z, itemsize, dtype of the shape */
PT_KERNEL(pt_reshape_to)
{
    const int64_t *p = pt_parameters(program);
    const pt_array *given = args[1];
    int64_t shape[65];
    if (given->shape[0] != p[1])
        return pt_fail(ctx, PT_VALUE_ERROR, "[Reshape] the new shape must have %d entries, got %lld",
                (int)p[1], (long long)given->shape[0]);
    for (int64_t i = 0; i < p[1]; i++)
        shape[i] = pt_read_int(given->data + i * given->strides[0], p[3]);
    return pt_reshape(ctx, args[0], (int)p[0], args[2], shape, (int)p[1], p[2]);
}

/* axes of x, axes of z, itemsize, first of the axes that become one, how many */
PT_KERNEL(pt_join_dims)
{
    const int64_t *p = pt_parameters(program);
    int64_t shape[65], axis = 0;
    for (int64_t i = 0; i < p[1]; i++) {
        shape[i] = 1;
        for (int64_t end = axis + (i == p[3] ? p[4] : 1); axis < end; axis++)
            shape[i] *= args[0]->shape[axis];
    }
    return pt_reshape(ctx, args[0], (int)p[0], args[1], shape, (int)p[1], p[2]);
}

/* axes of x, axes of z, itemsize, dtype of the lengths, axis that is split, into how many */
PT_KERNEL(pt_split_dims)
{
    const int64_t *p = pt_parameters(program), axis = p[4], n = p[5];
    const pt_array *x = args[0], *parts = args[1];
    int64_t shape[65], product = 1;
    int open = 0;
    if (parts->shape[0] != n)
        return pt_fail(ctx, PT_VALUE_ERROR, "[SplitDims] shape must have %d entries, got %lld", (int)n,
                (long long)parts->shape[0]);
    for (int64_t i = 0; i < axis; i++)
        shape[i] = x->shape[i];
    for (int64_t i = 0; i < n; i++) {
        shape[axis + i] = pt_read_int(parts->data + i * parts->strides[0], p[3]);
        open |= shape[axis + i] == -1;
        /* May wrap; the whole shape is checked below. */
        product = (int64_t)((uint64_t)product * (uint64_t)shape[axis + i]);
    }
    for (int64_t i = axis + 1; i < p[0]; i++)
        shape[n - 1 + i] = x->shape[i];
    if (!open && product != x->shape[axis])
        return pt_fail(ctx, PT_VALUE_ERROR,
                "[SplitDims] axis %d of length %lld cannot be split into lengths with product %lld",
                (int)axis, (long long)x->shape[axis], (long long)product);
    return pt_reshape(ctx, x, (int)p[0], args[2], shape, (int)p[1], p[2]);
}

/* conditions, axes of the value, kind of the exception; their dtypes; the message, ended by 0 */
PT_KERNEL(pt_check_and_raise)
{
    static const int8_t size[] = {0, 1, 2, 4, 8, 1, 2, 4, 8, 4, 8, 8, 16, 1};
    const int64_t *p = pt_parameters(program);
    for (int64_t i = 0; i < p[0]; i++) {
        const char *at = args[1 + i]->data;
        int yes = 0;
        if (p[3 + i] == PT_F64 || p[3 + i] == PT_C128)
            yes = *(const double *)at != 0 || (p[3 + i] == PT_C128 && ((const double *)at)[1] != 0);
        else if (p[3 + i] == PT_F32 || p[3 + i] == PT_C64)
            yes = *(const float *)at != 0 || (p[3 + i] == PT_C64 && ((const float *)at)[1] != 0);
        else
            for (int k = 0; k < size[p[3 + i]]; k++)
                yes |= at[k] != 0;
        if (!yes)
            return pt_fail(ctx, (int)p[2], "%s", (const char *)(p + 3 + p[0]));
    }
    pt_view(args[1 + p[0]], args[0], (int)p[1]);
    return PT_OK;
}

#endif
