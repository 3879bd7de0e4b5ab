/* The triangular helpers of tensor/blas/c_code for all element types, callable through ctypes. */
#include <stdlib.h>
#include "gemm_plan.h"
#include "division.h"
#include "triangle_view.h"

enum { BLOCKS = 256 };
static void *blocks[BLOCKS];
static int used;
static int fail_scratch;

static void *test_scratch(void *owner, int64_t bytes)
{
    (void)owner;
    if (fail_scratch || used == BLOCKS)
        return NULL;
    void *block = malloc((size_t)bytes);
    memset(block, 0xff, (size_t)bytes); /* NaN everywhere */
    return blocks[used++] = block;
}

void set_fail_scratch(int fail)
{
    fail_scratch = fail;
}

static int finish(int status)
{
    while (used)
        free(blocks[--used]);
    return status;
}

#define ELEMENT s
#include "triangular_instance.c"
#undef ELEMENT
#define ELEMENT d
#include "triangular_instance.c"
#undef ELEMENT
#define ELEMENT c
#include "triangular_instance.c"
#undef ELEMENT
#define ELEMENT z
#include "triangular_instance.c"
