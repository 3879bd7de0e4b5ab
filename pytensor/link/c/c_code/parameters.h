/* Kernels that serve many nodes: what differs from node to node is data, not text, so that they are compiled
   once, when the package is installed. */
#ifndef PT_PARAMETERS_H
#define PT_PARAMETERS_H

#include "pytensor.h"

/* The numbers of integer dtypes in parameters; dispatch/parameters.py writes them. */
enum {
    PT_I8 = 1,
    PT_I16,
    PT_I32,
    PT_I64,
    PT_U8,
    PT_U16,
    PT_U32,
    PT_U64,
    PT_F32,
    PT_F64,
    PT_C64,
    PT_C128,
    PT_BOOL
};

/* The first parameter of a kernel without blocks. */
static inline const int64_t *pt_parameters(const void *program)
{
    return (const int64_t *)program + 1;
}

static inline int64_t pt_read_int(const char *at, int64_t dtype)
{
    switch (dtype) {
    case PT_I64:
        return *(const int64_t *)at;
    case PT_I8:
        return *(const int8_t *)at;
    case PT_I16:
        return *(const int16_t *)at;
    case PT_I32:
        return *(const int32_t *)at;
    case PT_U16:
        return *(const uint16_t *)at;
    case PT_U32:
        return *(const uint32_t *)at;
    case PT_U64: {
        /* What does not fit is still too large, not negative. */
        const uint64_t value = *(const uint64_t *)at;
        return value > INT64_MAX ? INT64_MAX : (int64_t)value;
    }
    case PT_F32:
        return (int64_t) * (const float *)at;
    case PT_F64:
        return (int64_t) * (const double *)at;
    default:
        return *(const uint8_t *)at;
    }
}

/* Write the number 1. */
static PT_UNUSED void pt_write_one(char *at, int64_t dtype)
{
    memset(at, 0, 16);
    switch (dtype) {
    case PT_F32:
    case PT_C64:
        *(float *)at = 1.0f;
        return;
    case PT_F64:
    case PT_C128:
        *(double *)at = 1.0;
        return;
    case PT_I16:
    case PT_U16:
        *(int16_t *)at = 1;
        return;
    case PT_I32:
    case PT_U32:
        *(int32_t *)at = 1;
        return;
    case PT_I64:
    case PT_U64:
        *(int64_t *)at = 1;
        return;
    default:
        *at = 1;
    }
}

#endif
