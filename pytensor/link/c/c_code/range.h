/* Lengths of ranges of floating point numbers. */
#ifndef PT_RANGE_H
#define PT_RANGE_H

#include "pytensor.h"

/* The smallest integer that is not below `ratio`, 0 if negative; -1 for NaN and numbers that do not fit. */
static inline int64_t pt_range_length(double ratio)
{
    if (!(ratio < 9007199254740992.0))
        return -1;
    if (ratio <= 0.0)
        return 0;
    int64_t n = (int64_t)ratio;
    return (double)n < ratio ? n + 1 : n;
}

#endif
