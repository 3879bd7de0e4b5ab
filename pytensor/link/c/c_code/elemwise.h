/* What a generated kernel says about elementwise work and reductions; the work itself is the driver's,
   compiled once (driver_elemwise.h, driver_reduce.h), so that a unit holds little more than its loops. */
#ifndef PT_ELEMWISE_H
#define PT_ELEMWISE_H

#include "pytensor.h"

#if defined(__clang__)
#define PT_IVDEP _Pragma("clang loop vectorize(assume_safety)")
#elif defined(__GNUC__)
#define PT_IVDEP _Pragma("GCC ivdep")
#else
#define PT_IVDEP
#endif

struct pt_elemwise {
    const char *name; /* of the Op, for messages */
    int nin, nout, ndim;
    double cost;             /* nanoseconds for one element */
    const int32_t *itemsize; /* of each operand */
    const uint64_t *repeats; /* of each input: bit k says that its static length along axis k is 1 */
    const int32_t *destroys; /* of each output: the input whose memory it becomes, or -1; NULL: none */
    const void *program;     /* what the loop runs if it is an interpreter, see vm.h; else NULL */
};

/* How values of one type are reduced by one operation; see reduce.c. */
typedef struct {
    int64_t in_size, acc_size, out_size;
    void (*start)(void *acc, int64_t n);
    void (*merge)(void *into, const void *from, int64_t n);
    void (*store)(char *z, int64_t stride, const void *from, int64_t n);
    void (*lines)(void *acc, const char *x, int64_t row_stride, int64_t rows, int64_t n);
    void (*rows)(void *acc, const char *x, int64_t row_stride, int64_t rows, int64_t n);
} pt_reducer;

struct pt_reduction {
    const pt_elemwise *e; /* what the reduced values are computed from; nout is 0 */
    pt_loop *loop;        /* how; NULL: the one input itself */
    const pt_reducer *by;
    uint64_t axes; /* bit k: axis k is reduced */
    int nonempty;  /* an empty reduced axis is an error */
};

#endif
