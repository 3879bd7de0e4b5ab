/* Steps
  0 C      MatrixTranspose
  1 C      Gemm{no_inplace}
*/

static int own(pt_ctx *ctx, pt_array *const *args, const void *program)
{
    return pt_dimshuffle(ctx, args, program);
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
return gemm_kernel_d(ctx, false, 0u, x0, load_d(x1->data), x2, false, x3, false, load_d(x4->data), z0);
    }
    return PT_OK;
}
