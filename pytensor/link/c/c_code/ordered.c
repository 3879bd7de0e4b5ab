/* What needs an order of elements: places in a sorted vector, the different elements of an array. Included
   once per type with T, PT_SUFFIX and PT_KIND (0 integers, 1 floats, 2 complex); parameters:
   dispatch/sorting.py.
 */
#include "copy.h"
#include "glue.h"
#include "views.h"

#ifndef PT_SUFFIX
#define PT_ALONE
#define T double
#define PT_SUFFIX f64
#define PT_KIND 1
#endif

#define PT_NAME(f) PT_GLUE(f, PT_SUFFIX)
#define PT_KEYS 8

/* a before b, NaN behind all numbers as NumPy sorts. */
static inline int PT_NAME(before)(T a, T b)
{
#if PT_KIND == 2
    const double ar = (double)__real__ a, ai = (double)__imag__ a, br = (double)__real__ b,
                 bi = (double)__imag__ b;
    const int odd_a = 2 * (ar != ar) + (ai != ai), odd_b = 2 * (br != br) + (bi != bi);
    if (odd_a != odd_b)
        return odd_a < odd_b;
    return ar < br || (!(ar > br) && ai < bi);
#elif PT_KIND == 1
    return (a < b) | ((b != b) & (a == a));
#else
    return a < b;
#endif
}

static inline int PT_NAME(passes)(T element, T key, int right)
{
    return right ? !PT_NAME(before)(key, element) : PT_NAME(before)(element, key);
}

/* Several keys at once: their steps do not wait for each other. n > 0. */
static inline void PT_NAME(search_keys)(const T *x, int64_t n, const T *keys, int m, int64_t *z, int right)
{
    T key[PT_KEYS];
    int64_t base[PT_KEYS] = {0}, length = n;
    for (int j = 0; j < PT_KEYS; j++)
        key[j] = keys[j < m ? j : 0];
    for (; length > 1; length -= length / 2)
        for (int j = 0; j < PT_KEYS; j++)
            base[j] += PT_NAME(passes)(x[base[j] + length / 2 - 1], key[j], right) ? length / 2 : 0;
    for (int j = 0; j < m; j++)
        z[j] = base[j] + PT_NAME(passes)(x[base[j]], key[j], right);
}

static void PT_NAME(search)(const T *x, int64_t n, const T *keys, int64_t m, int64_t *z, int right)
{
    for (int64_t i = 0; i < m; i += PT_KEYS) {
        const int count = m - i < PT_KEYS ? (int)(m - i) : PT_KEYS;
        if (right)
            PT_NAME(search_keys)(x, n, keys + i, count, z + i, 1);
        else
            PT_NAME(search_keys)(x, n, keys + i, count, z + i, 0);
    }
}

/* Element number k in the order a third input gives; false if there is none. */
static inline int PT_NAME(sorted_element)(
        const pt_array *x, const pt_array *sorter, int64_t dtype, int64_t k, T *element)
{
    const int64_t at = pt_read_int(sorter->data + k * sorter->strides[0], dtype);
    if (at < 0 || at >= x->shape[0])
        return 0;
    *element = *(const T *)(x->data + at * x->strides[0]);
    return 1;
}

static int PT_NAME(search_through)(pt_ctx *ctx, const pt_array *x, const pt_array *sorter, int64_t dtype,
        const T *keys, int64_t m, int64_t *z, int right)
{
    if (sorter->shape[0] != x->shape[0])
        return pt_fail(ctx, PT_VALUE_ERROR,
                "[Searchsorted] sorter must have the length of x, got lengths %lld and %lld",
                (long long)sorter->shape[0], (long long)x->shape[0]);
    for (int64_t i = 0; i < m; i++) {
        int64_t from = 0, to = x->shape[0];
        while (from < to) {
            const int64_t middle = from + (to - from) / 2;
            T element;
            if (!PT_NAME(sorted_element)(x, sorter, dtype, middle, &element))
                return pt_fail(ctx, PT_VALUE_ERROR, "[Searchsorted] sorter index out of range");
            if (PT_NAME(passes)(element, keys[i], right))
                from = middle + 1;
            else
                to = middle;
        }
        z[i] = from;
    }
    return PT_OK;
}

/* All elements in C order without gaps: its own memory, or scratch; NULL when there is none. */
static const T *PT_NAME(packed)(pt_ctx *ctx, const pt_array *x, int64_t ndim, int own)
{
    int64_t strides[65], size = sizeof(T);
    if (own && pt_is_c_contiguous(x, (int)ndim, sizeof(T)))
        return (const T *)x->data;
    for (int64_t i = ndim - 1; i >= 0; i--) {
        strides[i] = size;
        size *= x->shape[i];
    }
    char *to = pt_scratch(ctx, size);
    if (to && ndim)
        pt_copy(to, strides, x->data, x->strides, x->shape, (int)ndim, sizeof(T));
    else if (to)
        memcpy(to, x->data, sizeof(T));
    return (const T *)to;
}

/* axes of the keys, whether behind equal elements, dtype of the sorter or 0 */
PT_KERNEL(PT_NAME(searchsorted))
{
    const int64_t *p = pt_parameters(program);
    const pt_array *x = args[0], *v = args[1];
    pt_array *z = args[p[2] ? 3 : 2];
    pt_same_shape(z, v, (int)p[0]);
    int status = pt_alloc(ctx, z, (int)p[0], 8);
    const int64_t m = pt_size(v, (int)p[0]), n = x->shape[0];
    if (status || m == 0)
        return status;
    pt_heavy(ctx, 10.0 * (double)m);
    const T *keys = PT_NAME(packed)(ctx, v, p[0], 1), *sorted;
    int64_t *to = (int64_t *)z->data;
    if (!keys)
        return pt_fail(ctx, PT_MEMORY, "[Searchsorted] no memory");
    if (p[2])
        return PT_NAME(search_through)(ctx, x, args[2], p[2], keys, m, to, p[1] != 0);
    if (n == 0) {
        memset(to, 0, (size_t)m * 8);
        return PT_OK;
    }
    sorted = PT_NAME(packed)(ctx, x, 1, 1);
    if (!sorted)
        return pt_fail(ctx, PT_MEMORY, "[Searchsorted] no memory");
    PT_NAME(search)(sorted, n, keys, m, to, p[1] != 0);
    return PT_OK;
}

/* All NaN count as one. */
static inline int PT_NAME(differ)(T a, T b)
{
#if PT_KIND
    return a != b && (a == a || b == b);
#else
    return a != b;
#endif
}

/* ndim, NumPy's number of the type, its number of the algorithm; whether positions of the first ones, places
   of all elements, counts are wanted */
PT_KERNEL(PT_NAME(unique))
{
    const int64_t *p = pt_parameters(program), ndim = p[0];
    const pt_array *x = args[0];
    pt_array *outputs[4] = {args[1]};
    const int64_t n = pt_size(x, (int)ndim);
    for (int64_t i = 0, at = 2; i < 3; i++)
        outputs[1 + i] = p[3 + i] ? args[at++] : NULL;
    const int ordered = p[3] || p[4];
    pt_heavy(ctx, 10.0 * (double)n);
    const T *v = PT_NAME(packed)(ctx, x, ndim, ordered);
    int64_t *order = ordered ? pt_scratch(ctx, 8 * (n + 1)) : NULL;
    int status = PT_OK;
    if (n && (!v || (ordered && !order)))
        return pt_fail(ctx, PT_MEMORY, "[Unique] no memory");
    if (n)
        status = ctx->svc->sort(ctx, (int)p[1], (int)p[2], (void *)(uintptr_t)v, order, n);
    if (status)
        return status;
#define PT_AT(i) v[ordered ? order[i] : (i)]
    int64_t count = n > 0;
    for (int64_t i = 1; i < n; i++)
        count += PT_NAME(differ)(PT_AT(i), PT_AT(i - 1));
    for (int i = 0; i < 4 && !status; i++) {
        if (!outputs[i])
            continue;
        if (i == 2)
            pt_same_shape(outputs[i], x, (int)ndim);
        else
            outputs[i]->shape[0] = count;
        status = pt_alloc(ctx, outputs[i], i == 2 ? (int)ndim : 1, i ? 8 : (int64_t)sizeof(T));
    }
    if (status)
        return status;
    int64_t at = -1, start = 0;
    for (int64_t i = 0; i < n; i++) {
        if (i == 0 || PT_NAME(differ)(PT_AT(i), PT_AT(i - 1))) {
            if (outputs[3] && i)
                ((int64_t *)outputs[3]->data)[at] = i - start;
            start = i;
            ((T *)outputs[0]->data)[++at] = PT_AT(i);
            if (outputs[1])
                ((int64_t *)outputs[1]->data)[at] = order[i];
        }
        if (outputs[2])
            ((int64_t *)outputs[2]->data)[order[i]] = at;
    }
    if (outputs[3] && n)
        ((int64_t *)outputs[3]->data)[at] = n - start;
#undef PT_AT
    return PT_OK;
}

#undef PT_KEYS
#undef PT_NAME
#ifdef PT_ALONE
#undef T
#undef PT_SUFFIX
#undef PT_KIND
#undef PT_ALONE
#endif
