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
    static const int32_t itemsize[] = {8};
    static const uint64_t repeats[] = {0x0};
    static const pt_elemwise e = {"Sum{axes=None}", 1, 0, 1, 0.8, itemsize, repeats, NULL, NULL};
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
    static const pt_elemwise e = {"Sum{axis=0}", 1, 0, 2, 0.8, itemsize, repeats, NULL, NULL};
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


static int own(pt_ctx *ctx, pt_array *const *args, const void *program)
{
    return pt_shape_i(ctx, args, program);
}


static int own(pt_ctx *ctx, pt_array *const *args, const void *program)
{
    return pt_arange_int(ctx, args, program);
}


static int own(pt_ctx *ctx, pt_array *const *args, const void *program)
{
    return pt_dimshuffle(ctx, args, program);
}


static int own(pt_ctx *ctx, pt_array *const *args, const void *program)
{
    return pt_softmax_f64(ctx, args, program);
}


static int own(pt_ctx *ctx, pt_array *const *args, const void *program)
{
    return pt_advanced_subtensor(ctx, args, program);
}


static int own(pt_ctx *ctx, pt_array *const *args, const void *program)
{
    return pt_deep_copy(ctx, args, program);
}


static int own(pt_ctx *ctx, pt_array *const *args, const void *program)
{
    return pt_alloc_value(ctx, args, program);
}


static int own(pt_ctx *ctx, pt_array *const *args, const void *program)
{
    return pt_inc_subtensor(ctx, args, program);
}


static int own(pt_ctx *ctx, pt_array *const *args, const void *program)
{
    return pt_advanced_inc_subtensor(ctx, args, program);
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
