/* Steps
  0 C      Subtensor{:stop}
  1 C      Subtensor{start:}
  2 C      Composite{2.0 * (i0 - i1), sqr(i0 - i1), -(2.0 * (i0 - i1))}
  3 C      Sum{axes=None}
  4 C      Shape_i{0}
  5 C      Alloc
  6 C      SetSubtensor{start:} (inplace)
  7 C      IncSubtensor{:stop} (inplace)
*/

static void loop_2778d69c458e(char *const *data, int64_t n, const void *program)
{
    const double *x0 = (const double *)data[0];
    const double *x1 = (const double *)data[1];
    double *z0 = (double *)data[2];
    double *z1 = (double *)data[3];
    double *z2 = (double *)data[4];
    PT_IVDEP
    for (int64_t i = 0; i < n; i++) {
        const double a0 = x0[i];
        const double a1 = x1[i];
        const double v0 = a0 - a1;
        const double v1 = (0x1.0000000000000p+1 * v0);
        const double v2 = v0 * v0;
        const double v3 = -v1;
        z0[i] = v1;
        z1[i] = v2;
        z2[i] = v3;
    }
}


static int own(pt_ctx *ctx, pt_array *const *args, const void *program)
{
    const pt_array *x0 = args[0];
    const pt_array *x1 = args[1];
    pt_array *z0 = args[2];
    {
    char *data = x0->data;
    int status_of_index;
    if ((status_of_index = pt_take_slice(ctx, &data, PT_ABSENT, (int64_t)*(const int64_t *)x1->data, PT_ABSENT, x0->shape[0], x0->strides[0], &z0->shape[0], &z0->strides[0])))
        return status_of_index;
    z0->data = data;
    }
    return PT_OK;
}


static int own(pt_ctx *ctx, pt_array *const *args, const void *program)
{
    const pt_array *x0 = args[0];
    const pt_array *x1 = args[1];
    pt_array *z0 = args[2];
    {
    char *data = x0->data;
    int status_of_index;
    if ((status_of_index = pt_take_slice(ctx, &data, (int64_t)*(const int64_t *)x1->data, PT_ABSENT, PT_ABSENT, x0->shape[0], x0->strides[0], &z0->shape[0], &z0->strides[0])))
        return status_of_index;
    z0->data = data;
    }
    return PT_OK;
}


static int own(pt_ctx *ctx, pt_array *const *args, const void *program)
{
    const pt_array *x0 = args[0];
    const pt_array *x1 = args[1];
    pt_array *z0 = args[2];
    pt_array *z1 = args[3];
    pt_array *z2 = args[4];
    {
    static const int32_t itemsize[] = {8, 8, 8, 8, 8};
    static const uint64_t repeats[] = {0x0, 0x0};
    static const pt_elemwise e = {"Composite{2.0 * (i0 - i1), sqr(i0 - i1), -(2.0 * (i0 - i1))}", 2, 3, 1, 1.7, itemsize, repeats, NULL, NULL};
    return ctx->svc->elemwise(ctx, &e, args, loop_2778d69c458e);
    }
    return PT_OK;
}


static int own(pt_ctx *ctx, pt_array *const *args, const void *program)
{
    const pt_array *x0 = args[0];
    pt_array *z0 = args[1];
    {
    static const int32_t itemsize[] = {8};
    static const uint64_t repeats[] = {0x0};
    static const pt_elemwise e = {"Sum{axes?None}", 1, 0, 1, 0.8, itemsize, repeats, NULL, NULL};
    static const pt_reduction m = {&e, NULL, &pt_reducer_add_f64_f64_f64, 0x1, 0};
    return ctx->svc->reduce(ctx, &m, args);
    }
    return PT_OK;
}


static int own(pt_ctx *ctx, pt_array *const *args, const void *program)
{
    const pt_array *x0 = args[0];
    pt_array *z0 = args[1];
    {
    int status = pt_alloc(ctx, z0, 0, 8);
    if (status)
        return status;
    *(int64_t *)z0->data = x0->shape[0];
    }
    return PT_OK;
}


static int own(pt_ctx *ctx, pt_array *const *args, const void *program)
{
    const pt_array *x0 = args[0];
    const pt_array *x1 = args[1];
    pt_array *z0 = args[2];
    {
    int64_t strides[2] = {0};
    z0->shape[0] = (int64_t)*(const int64_t *)(x1->data);
    strides[0] = 0;
    int status = pt_alloc(ctx, z0, 1, 8);
    if (status)
        return status;
    pt_heavy(ctx, 0.5 * (double)pt_size(z0, 1));
    const uint64_t value = *(const uint64_t *)x0->data;
    const int64_t size = pt_size(z0, 1);
    if (value == 0)
        memset(z0->data, 0, (size_t)(size * 8));
    else
        for (int64_t i = 0; i < size; i++)
            ((uint64_t *)z0->data)[i] = value;
    }
    return PT_OK;
}


static int own(pt_ctx *ctx, pt_array *const *args, const void *program)
{
    const pt_array *x0 = args[0];
    const pt_array *x1 = args[1];
    const pt_array *x2 = args[2];
    pt_array *z0 = args[3];
    {
    pt_view(z0, x0, 1);
    char *data = z0->data;
    int64_t shape[2], strides[2];
    int status_of_index;
    if ((status_of_index = pt_take_slice(ctx, &data, (int64_t)*(const int64_t *)x2->data, PT_ABSENT, PT_ABSENT, z0->shape[0], z0->strides[0], &shape[0], &strides[0])))
        return status_of_index;
    int64_t ys[2] = {0};
    if (x1->shape[0] == shape[0])
        ys[0] = x1->strides[0];
    else if (x1->shape[0] != 1)
        return pt_fail(ctx, PT_VALUE_ERROR,
                       "[IncSubtensor] y must broadcast to the indexed region, got length %lld for "
                       "%lld on axis 0",
                       (long long)x1->shape[0], (long long)shape[0]);
    pt_copy(data, strides, x1->data, ys, shape, 1, 8);
    }
    return PT_OK;
}


static int own(pt_ctx *ctx, pt_array *const *args, const void *program)
{
    const pt_array *x0 = args[0];
    const pt_array *x1 = args[1];
    const pt_array *x2 = args[2];
    pt_array *z0 = args[3];
    {
    pt_view(z0, x0, 1);
    char *data = z0->data;
    int64_t shape[2], strides[2];
    int status_of_index;
    if ((status_of_index = pt_take_slice(ctx, &data, PT_ABSENT, (int64_t)*(const int64_t *)x2->data, PT_ABSENT, z0->shape[0], z0->strides[0], &shape[0], &strides[0])))
        return status_of_index;
    int64_t ys[2] = {0};
    if (x1->shape[0] == shape[0])
        ys[0] = x1->strides[0];
    else if (x1->shape[0] != 1)
        return pt_fail(ctx, PT_VALUE_ERROR,
                       "[IncSubtensor] y must broadcast to the indexed region, got length %lld for "
                       "%lld on axis 0",
                       (long long)x1->shape[0], (long long)shape[0]);
    char *at0 = data; const char *from0 = x1->data;
    for (int64_t i0 = 0; i0 < shape[0]; i0++) {
    char *at1 = at0 + i0 * strides[0]; const char *from1 = from0 + i0 * ys[0];
    double *z = (double *)at1; const double *y = (const double *)from1;
    *z += *y;
    }
    }
    return PT_OK;
}
