/* Steps
  0 C      Composite{sqr(i0 - i1)}
*/

static void loop_1f79673e0861(char *const *data, int64_t n, const void *program)
{
    const float *x0 = (const float *)data[0];
    const float *x1 = (const float *)data[1];
    float *z0 = (float *)data[2];
    PT_IVDEP
    for (int64_t i = 0; i < n; i++) {
        const float a0 = x0[i];
        const float a1 = x1[i];
        const float v0 = a0 - a1;
        const float v1 = v0 * v0;
        z0[i] = v1;
    }
}


static int own(pt_ctx *ctx, pt_array *const *args, const void *program)
{
    const pt_array *x0 = args[0];
    const pt_array *x1 = args[1];
    pt_array *z0 = args[2];
    {
    static const int32_t itemsize[] = {4, 4};
    static const uint64_t repeats[] = {0x0, 0x0};
    static const pt_elemwise e = {"Composite{sqr(i0 - i1)}", 2, 0, 2, 0.9, itemsize, repeats, NULL, NULL};
    static const pt_reduction m = {&e, loop_1f79673e0861, &pt_reducer_add_f32_f64_f32, 0x2, 0};
    return ctx->svc->reduce(ctx, &m, args);
    }
    return PT_OK;
}
