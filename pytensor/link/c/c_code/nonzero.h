/* Where the elements are that are not zero; parameters: dispatch/advanced.py. */
#ifndef PT_NONZERO_H
#define PT_NONZERO_H

#include "indexing.h"

/* One line: how many are not zero, and their places if `to` is given. Written always, kept if not zero. */
static int64_t pt_nonzero_line(
        const char *x, int64_t stride, int64_t n, int64_t dtype, int64_t *to, int64_t room)
{
    int64_t count = 0;
#define PT_NONZERO(T)                                                                                        \
    if (!to)                                                                                                 \
        for (int64_t i = 0; i < n; i++)                                                                      \
            count += *(const T *)(x + i * stride) != 0;                                                      \
    else                                                                                                     \
        for (int64_t i = 0; i < n && count < room; i++) {                                                    \
            to[count] = i;                                                                                   \
            count += *(const T *)(x + i * stride) != 0;                                                      \
        }                                                                                                    \
    return count
    switch (dtype) {
    case PT_I16:
    case PT_U16:
        PT_NONZERO(uint16_t);
    case PT_I32:
    case PT_U32:
        PT_NONZERO(uint32_t);
    case PT_I64:
    case PT_U64:
        PT_NONZERO(uint64_t);
    case PT_F32:
        PT_NONZERO(float);
    case PT_F64:
        PT_NONZERO(double);
    case PT_C64:
        PT_NONZERO(float _Complex);
    case PT_C128:
        PT_NONZERO(double _Complex);
    default:
        PT_NONZERO(uint8_t);
    }
#undef PT_NONZERO
}

/* axes, dtype */
PT_KERNEL(pt_nonzero)
{
    const int64_t *p = pt_parameters(program), ndim = p[0], last = ndim - 1;
    const pt_array *x = args[0];
    int64_t at[65] = {0}, lines = 1, count = 0;
    for (int64_t k = 0; k < last; k++)
        lines *= x->shape[k];
    pt_heavy(ctx, (double)(lines * x->shape[last]));
    for (int pass = 0; pass < 2; pass++) {
        int64_t done = 0;
        for (int64_t line = 0; line < lines; line++) {
            const char *from = x->data;
            for (int64_t k = 0; k < last; k++)
                from += at[k] * x->strides[k];
            int64_t *to = pass ? (int64_t *)args[1 + last]->data + done : NULL;
            const int64_t n = pt_nonzero_line(from, x->strides[last], x->shape[last], p[1], to, count - done);
            for (int64_t k = 0; pass && k < last; k++)
                for (int64_t i = 0; i < n; i++)
                    ((int64_t *)args[1 + k]->data)[done + i] = at[k];
            done += n;
            for (int64_t k = last - 1; k >= 0 && ++at[k] == x->shape[k]; k--)
                at[k] = 0;
        }
        if (pass)
            break;
        count = done;
        for (int64_t k = 0; k < ndim; k++) {
            args[1 + k]->shape[0] = count;
            const int status = pt_alloc(ctx, args[1 + k], 1, 8);
            if (status)
                return status;
        }
    }
    return PT_OK;
}

#endif
