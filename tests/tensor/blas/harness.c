/* The helpers of tensor/blas/c_code for all element types, callable through ctypes. */
#include <stdio.h>
#include <stdlib.h>
#include "gemm_plan.h"

enum { BLOCKS = 4096 };
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
    const int copies = used;
    while (used)
        free(blocks[--used]);
    return status ? -status : copies; /* tests read how many copies were made */
}

int table_size(void)
{
    return BLAS_ROUTINE_COUNT;
}

#define ELEMENT s
#include "instance.c"
#undef ELEMENT
#define ELEMENT d
#include "instance.c"
#undef ELEMENT
#define ELEMENT c
#include "instance.c"
#undef ELEMENT
#define ELEMENT z
#include "instance.c"
