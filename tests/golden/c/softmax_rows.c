/* Steps
  0 C      Softmax{axis=(1,)}
*/

static int own(pt_ctx *ctx, pt_array *const *args, const void *program)
{
    return pt_softmax_f64(ctx, args, program);
}
