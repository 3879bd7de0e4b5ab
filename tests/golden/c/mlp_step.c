/* Steps
  0 C      Sqr
  1 C      Sqr
  2 C      Shape_i{0}
  3 C      Cast{float64}
  4 C      ARange{dtype='int64'}
  5 C      ExpandDims{axis=0}
  6 C      Gemm{no_inplace}
  7 C      Tanh
  8 C      ExpandDims{axis=0}
  9 C      Gemm{no_inplace}
 10 C      LogSoftmax{axis=(1,)}
 11 C      AdvancedSubtensor{idx_list=(0, 1)}
 12 C      Sum{axes=None}
 13 C      Composite{i4 * (i2 + i3) - i0 / i1}
 14 C      MatrixTranspose
 15 C      ExpandDims{axis=0}
 16 C      Composite{-reciprocal(i0)}
 17 C      Softmax{axis=(1,)}
 18 C      ScalarFromTensor
 19 C      Shape_i{0}
 20 C      Alloc
 21 C      SetSubtensor{:stop} (inplace)
 22 C      ExpandDims{axis=1}
 23 C      Composite{-(i0 * i1)}
 24 C      AdvancedIncSubtensor{inplace}
 25 C      Dot22
 26 C      Composite{i1 * (1.0 - sqr(i0))}
 27 C      MatrixTranspose
 28 C      Sum{axis=0}
 29 C      Composite{i1 - 0.5 * i0}
 30 C      MatrixTranspose
 31 C      Sum{axis=0}
 32 C      Composite{i1 - 0.5 * i0}
 33 C      Gemm{inplace}
 34 C      Gemm{inplace}
*/

static void loop_fc69dc154ca9(char *const *data, int64_t n, const void *program)
{
    const double *x0 = (const double *)data[0];
    double *z0 = (double *)data[1];
    PT_IVDEP
    for (int64_t i = 0; i < n; i++) {
        const double a0 = x0[i];
        const double v0 = a0 * a0;
        z0[i] = v0;
    }
}


static void loop_99fdeaf2e440(char *const *data, int64_t n, const void *program)
{
    const double *x0 = (const double *)data[0];
    double *z0 = (double *)data[1];
    PT_IVDEP
    for (int64_t i = 0; i < n; i++) {
        const double a0 = x0[i];
        const double v0 = pt_tanh_f64(a0);
        z0[i] = v0;
    }
}


static void loop_58271669ec52(char *const *data, int64_t n, const void *program)
{
    const double a0 = *(const double *)data[0];
    double *z0 = (double *)data[1];
    PT_IVDEP
    for (int64_t i = 0; i < n; i++) {
        const double v0 = 1 / a0;
        const double v1 = -v0;
        z0[i] = v1;
    }
}


static void loop_d50b13589c1e(char *const *data, int64_t n, const void *program)
{
    const double *x0 = (const double *)data[0];
    const double *x1 = (const double *)data[1];
    double *z0 = (double *)data[2];
    PT_IVDEP
    for (int64_t i = 0; i < n; i++) {
        const double a0 = x0[i];
        const double a1 = x1[i];
        const double v0 = (a0 * a1);
        const double v1 = -v0;
        z0[i] = v1;
    }
}


static void loop_8f1139b1d56c(char *const *data, int64_t n, const void *program)
{
    const double *x0 = (const double *)data[0];
    const double *x1 = (const double *)data[1];
    double *z0 = (double *)data[2];
    PT_IVDEP
    for (int64_t i = 0; i < n; i++) {
        const double a0 = x0[i];
        const double a1 = x1[i];
        const double v0 = a0 * a0;
        const double v1 = 0x1.0000000000000p+0 - v0;
        const double v2 = (a1 * v1);
        z0[i] = v2;
    }
}


static void loop_e6471d1eee55(char *const *data, int64_t n, const void *program)
{
    const double *x0 = (const double *)data[0];
    const double *x1 = (const double *)data[1];
    double *z0 = (double *)data[2];
    PT_IVDEP
    for (int64_t i = 0; i < n; i++) {
        const double a0 = x0[i];
        const double a1 = x1[i];
        const double v0 = (0x1.0000000000000p-1 * a0);
        const double v1 = a1 - v0;
        z0[i] = v1;
    }
}


static int own(pt_ctx *ctx, pt_array *const *args, const void *program)
{
    const pt_array *x0 = args[0];
    pt_array *z0 = args[1];
    {
    static const int32_t itemsize[] = {8};
    static const uint64_t repeats[] = {0x0};
    static const pt_elemwise e = {"Sqr", 1, 0, 2, 0.5, itemsize, repeats, NULL, NULL};
    static const pt_reduction m = {&e, loop_fc69dc154ca9, &pt_reducer_add_f64_f64_f64, 0x3, 0};
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
    pt_array *z0 = args[1];
    {
    const int64_t a0 = *(const int64_t *)x0->data;
    const double v0 = (double)a0;
    int status;
    if ((status = pt_alloc(ctx, z0, 0, 8)))
        return status;
    *(double *)z0->data = v0;
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
    const int64_t start = (int64_t)*(const int8_t *)x0->data;
    const int64_t stop = (int64_t)*(const int64_t *)x1->data;
    const int64_t step = (int64_t)*(const int8_t *)x2->data;
    if (step == 0)
        return pt_fail(ctx, PT_ZERO_DIVISION, "[ARange] step must not be 0");
    const int64_t n = (step > 0 ? (stop > start ? (stop - start - 1) / step + 1 : 0)
                        : (start > stop ? (start - stop - 1) / -step + 1 : 0));
    if (n < 0)
        return pt_fail(ctx, PT_VALUE_ERROR, "[ARange] the length is not a number that fits");
    z0->shape[0] = n;
    int status = pt_alloc(ctx, z0, 1, 8);
    if (status)
        return status;
    pt_heavy(ctx, (double)n);
    for (int64_t i = 0; i < n; i++)
        ((int64_t *)z0->data)[i] = (int64_t)(start + i * step);
    }
    return PT_OK;
}


static int own(pt_ctx *ctx, pt_array *const *args, const void *program)
{
    const pt_array *x0 = args[0];
    pt_array *z0 = args[1];
    {
    z0->data = x0->data;
    z0->shape[0] = 1; z0->strides[0] = 8;
    z0->shape[1] = x0->shape[0]; z0->strides[1] = x0->strides[0];
    }
    return PT_OK;
}


static int own(pt_ctx *ctx, pt_array *const *args, const void *program)
{
    const pt_array *x0 = args[0];
    pt_array *z0 = args[1];
    {
    static const int32_t itemsize[] = {8, 8};
    static const uint64_t repeats[] = {0x0};
    static const pt_elemwise e = {"Tanh", 1, 1, 2, 3.5, itemsize, repeats, NULL, NULL};
    return ctx->svc->elemwise(ctx, &e, args, loop_99fdeaf2e440);
    }
    return PT_OK;
}


static int own(pt_ctx *ctx, pt_array *const *args, const void *program)
{
    const pt_array *x0 = args[0];
    pt_array *z0 = args[1];
    {
    static const int order[] = {0, 1};
    return pt_softmax_f64(ctx, x0, z0, 2, order, 1, 1);
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
    int64_t lengths[2];
    lengths[0] = 1;
    if (lengths[0] == 1)
        lengths[0] = x1->shape[0];
    else if (x1->shape[0] != 1 && x1->shape[0] != lengths[0])
        return pt_fail(ctx, PT_INDEX_ERROR, "shape mismatch: indexing arrays could not be broadcast together");
    if (lengths[0] == 1)
        lengths[0] = x2->shape[0];
    else if (x2->shape[0] != 1 && x2->shape[0] != lengths[0])
        return pt_fail(ctx, PT_INDEX_ERROR, "shape mismatch: indexing arrays could not be broadcast together");
    const int64_t total = lengths[0];
    int64_t *offset = pt_scratch(ctx, (total + 1) * 8), n = 0;
    if (!offset)
        return pt_fail(ctx, PT_MEMORY, "no memory for indices");
    for (int64_t i0 = 0; i0 < lengths[0]; i0++)
    {
        int64_t at = 0, i;
        int status_of_index;
        i = (int64_t)*(const int64_t *)(x1->data + (x1->shape[0] == 1 ? 0 : i0 * x1->strides[0]));
        if ((status_of_index = pt_check_index(ctx, &i, x0->shape[0], 0)))
            return status_of_index;
        at += i * x0->strides[0];
        i = (int64_t)*(const int64_t *)(x2->data + (x2->shape[0] == 1 ? 0 : i0 * x2->strides[0]));
        if ((status_of_index = pt_check_index(ctx, &i, x0->shape[1], 1)))
            return status_of_index;
        at += i * x0->strides[1];
        offset[n++] = at;
    }
    z0->shape[0] = lengths[0];
    int status = pt_alloc(ctx, z0, 1, 8);
    if (status)
        return status;
    pt_heavy(ctx, 2.0 * (double)pt_size(z0, 1));
    char *to = z0->data;
    const int64_t block = 8;
    {
        const char *base = x0->data;
        for (int64_t i = 0; i < total; i++, to += block) {
            const char *from = base + offset[i];
            memcpy(to, from, 8);
        }
    }
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
    const pt_array *x1 = args[1];
    const pt_array *x2 = args[2];
    const pt_array *x3 = args[3];
    const pt_array *x4 = args[4];
    pt_array *z0 = args[5];
    {
    const double a0 = *(const double *)x0->data;
    const double a1 = *(const double *)x1->data;
    const double a2 = *(const double *)x2->data;
    const double a3 = *(const double *)x3->data;
    const double a4 = *(const double *)x4->data;
    const double v0 = a0 / a1;
    const double v1 = (a2 + a3);
    const double v2 = (a4 * v1);
    const double v3 = v2 - v0;
    int status;
    if ((status = pt_alloc(ctx, z0, 0, 8)))
        return status;
    *(double *)z0->data = v3;
    }
    return PT_OK;
}


static int own(pt_ctx *ctx, pt_array *const *args, const void *program)
{
    const pt_array *x0 = args[0];
    pt_array *z0 = args[1];
    {
    z0->data = x0->data;
    z0->shape[0] = x0->shape[1]; z0->strides[0] = x0->strides[1];
    z0->shape[1] = x0->shape[0]; z0->strides[1] = x0->strides[0];
    }
    return PT_OK;
}


static int own(pt_ctx *ctx, pt_array *const *args, const void *program)
{
    const pt_array *x0 = args[0];
    pt_array *z0 = args[1];
    {
    z0->data = x0->data;
    z0->shape[0] = 1; z0->strides[0] = 8;
    }
    return PT_OK;
}


static int own(pt_ctx *ctx, pt_array *const *args, const void *program)
{
    const pt_array *x0 = args[0];
    pt_array *z0 = args[1];
    {
    static const int32_t itemsize[] = {8, 8};
    static const uint64_t repeats[] = {0x1};
    static const pt_elemwise e = {"Composite{-reciprocal(i0)}", 1, 1, 1, 0.8, itemsize, repeats, NULL, NULL};
    return ctx->svc->elemwise(ctx, &e, args, loop_58271669ec52);
    }
    return PT_OK;
}


static int own(pt_ctx *ctx, pt_array *const *args, const void *program)
{
    const pt_array *x0 = args[0];
    pt_array *z0 = args[1];
    {
    static const int order[] = {0, 1};
    return pt_softmax_f64(ctx, x0, z0, 2, order, 1, 0);
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
    memcpy(z0->data, x0->data, 8);
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
    if ((status_of_index = pt_take_slice(ctx, &data, PT_ABSENT, (int64_t)*(const int64_t *)x2->data, PT_ABSENT, z0->shape[0], z0->strides[0], &shape[0], &strides[0])))
        return status_of_index;
    int64_t ys[2] = {0};
    pt_copy(data, strides, x1->data, ys, shape, 1, 8);
    }
    return PT_OK;
}


static int own(pt_ctx *ctx, pt_array *const *args, const void *program)
{
    const pt_array *x0 = args[0];
    pt_array *z0 = args[1];
    {
    z0->data = x0->data;
    z0->shape[0] = x0->shape[0]; z0->strides[0] = x0->strides[0];
    z0->shape[1] = 1; z0->strides[1] = 8;
    }
    return PT_OK;
}


static int own(pt_ctx *ctx, pt_array *const *args, const void *program)
{
    const pt_array *x0 = args[0];
    const pt_array *x1 = args[1];
    pt_array *z0 = args[2];
    {
    static const int32_t itemsize[] = {8, 8, 8};
    static const uint64_t repeats[] = {0x2, 0x0};
    static const pt_elemwise e = {"Composite{-(i0 * i1)}", 2, 1, 2, 0.9, itemsize, repeats, NULL, NULL};
    return ctx->svc->elemwise(ctx, &e, args, loop_d50b13589c1e);
    }
    return PT_OK;
}


static int own(pt_ctx *ctx, pt_array *const *args, const void *program)
{
    const pt_array *x0 = args[0];
    const pt_array *x1 = args[1];
    const pt_array *x2 = args[2];
    const pt_array *x3 = args[3];
    pt_array *z0 = args[4];
    {
    pt_view(z0, x0, 2);
    int64_t lengths[2];
    lengths[0] = 1;
    if (lengths[0] == 1)
        lengths[0] = x2->shape[0];
    else if (x2->shape[0] != 1 && x2->shape[0] != lengths[0])
        return pt_fail(ctx, PT_INDEX_ERROR, "shape mismatch: indexing arrays could not be broadcast together");
    if (lengths[0] == 1)
        lengths[0] = x3->shape[0];
    else if (x3->shape[0] != 1 && x3->shape[0] != lengths[0])
        return pt_fail(ctx, PT_INDEX_ERROR, "shape mismatch: indexing arrays could not be broadcast together");
    const int64_t total = lengths[0];
    int64_t *offset = pt_scratch(ctx, (total + 1) * 8), n = 0;
    if (!offset)
        return pt_fail(ctx, PT_MEMORY, "no memory for indices");
    for (int64_t i0 = 0; i0 < lengths[0]; i0++)
    {
        int64_t at = 0, i;
        int status_of_index;
        i = (int64_t)*(const int64_t *)(x2->data + (x2->shape[0] == 1 ? 0 : i0 * x2->strides[0]));
        if ((status_of_index = pt_check_index(ctx, &i, z0->shape[0], 0)))
            return status_of_index;
        at += i * z0->strides[0];
        i = (int64_t)*(const int64_t *)(x3->data + (x3->shape[0] == 1 ? 0 : i0 * x3->strides[0]));
        if ((status_of_index = pt_check_index(ctx, &i, z0->shape[1], 1)))
            return status_of_index;
        at += i * z0->strides[1];
        offset[n++] = at;
    }
    int64_t ys[2] = {0};
    pt_heavy(ctx, 2.0 * (double)pt_size(x1, 1));
    char *to0 = z0->data;
    const char *from0 = x1->data;
    n = 0;
    for (int64_t i0 = 0; i0 < lengths[0]; i0++) {
    char *to1 = to0 + offset[n++];
    const char *from1 = from0 + i0 * ys[0];
    double *z = (double *)to1;
    const double *y = (const double *)from1;
    *z += *y;
    }
    }
    return PT_OK;
}


static int own(pt_ctx *ctx, pt_array *const *args, const void *program)
{
    const pt_array *x0 = args[0];
    const pt_array *x1 = args[1];
    pt_array *z0 = args[2];
    {
    static const int32_t itemsize[] = {8, 8, 8};
    static const uint64_t repeats[] = {0x0, 0x0};
    static const pt_elemwise e = {"Composite{i1 * (1.0 - sqr(i0))}", 2, 1, 2, 1.2, itemsize, repeats, NULL, NULL};
    return ctx->svc->elemwise(ctx, &e, args, loop_8f1139b1d56c);
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
    static const pt_elemwise e = {"Sum{axis?0}", 1, 0, 2, 0.8, itemsize, repeats, NULL, NULL};
    static const pt_reduction m = {&e, NULL, &pt_reducer_add_f64_f64_f64, 0x1, 0};
    return ctx->svc->reduce(ctx, &m, args);
    }
    return PT_OK;
}


static int own(pt_ctx *ctx, pt_array *const *args, const void *program)
{
    const pt_array *x0 = args[0];
    const pt_array *x1 = args[1];
    pt_array *z0 = args[2];
    {
    static const int32_t itemsize[] = {8, 8, 8};
    static const uint64_t repeats[] = {0x0, 0x0};
    static const pt_elemwise e = {"Composite{i1 - 0.5 * i0}", 2, 1, 1, 0.9, itemsize, repeats, NULL, NULL};
    return ctx->svc->elemwise(ctx, &e, args, loop_e6471d1eee55);
    }
    return PT_OK;
}


static int calls_blas(pt_ctx *ctx, pt_array *const *args, const void *program)
{
    const pt_array *x0 = args[0];
    const pt_array *x1 = args[1];
    const pt_array *x2 = args[2];
    const pt_array *x3 = args[3];
    const pt_array *x4 = args[4];
    pt_array *z0 = args[5];
    {
return gemm_kernel_d(ctx, false, 1u, x0, load_d(x1->data), x2, false, x3, false, load_d(x4->data), z0);
    }
    return PT_OK;
}


static int calls_blas(pt_ctx *ctx, pt_array *const *args, const void *program)
{
    const pt_array *x0 = args[0];
    const pt_array *x1 = args[1];
    const pt_array *x2 = args[2];
    const pt_array *x3 = args[3];
    const pt_array *x4 = args[4];
    pt_array *z0 = args[5];
    {
return gemm_kernel_d(ctx, true, 0u, x0, load_d(x1->data), x2, false, x3, false, load_d(x4->data), z0);
    }
    return PT_OK;
}


static int calls_blas(pt_ctx *ctx, pt_array *const *args, const void *program)
{
    const pt_array *x0 = args[0];
    const pt_array *x1 = args[1];
    pt_array *z0 = args[2];
    {
return dot22_kernel_d(ctx, "Dot22", real_d(1.0), x0, false, x1, false, z0);
    }
    return PT_OK;
}
