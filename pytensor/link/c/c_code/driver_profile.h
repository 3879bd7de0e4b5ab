/* What is measured of a program: time of its steps, and of its calls. Part of driver.c.

   Every frame measures for itself; at the end of a call it adds what it found, so that any number of threads
   may run a measured program. A step costs one look at the clock: it begins where the one before ended. */
#ifndef PYTENSOR_DRIVER_PROFILE_H
#define PYTENSOR_DRIVER_PROFILE_H

#include <string.h>
#include <time.h>

/* Per step of the latest call: when it first began, seconds, runs. */
#define STEP_TIMES 3

typedef struct {
    double calls, seconds;             /* of the program */
    double outer_calls, outer_seconds; /* of the calls around it: arguments checked, updates stored */
    double failed;                     /* calls that raised */
    double held;                       /* most bytes of buffers in a frame */
    double *total;                     /* per step: seconds, runs, in all calls */
    double *last;                      /* STEP_TIMES per step, in the latest call */
    int64_t *dims;                     /* shapes and strides of all values after it */
} profile;

static inline double clock_seconds(void)
{
    struct timespec now;
#ifdef _WIN32
    timespec_get(&now, TIME_UTC);
#else
    clock_gettime(CLOCK_MONOTONIC, &now);
#endif
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void profile_free(profile *m)
{
    if (!m)
        return;
    free(m->total);
    free(m->last);
    free(m->dims);
    free(m);
}

static profile *profile_new(size_t n_steps, size_t n_dims)
{
    profile *m = calloc(1, sizeof(profile));
    if (!m)
        return NULL;
    m->total = calloc(2 * n_steps + 1, sizeof(double));
    m->last = calloc(STEP_TIMES * n_steps + 1, sizeof(double));
    m->dims = calloc(n_dims + 1, sizeof(int64_t));
    if (m->total && m->last && m->dims)
        return m;
    profile_free(m);
    return NULL;
}

/* Add a call to what is known. `times` is what its frame found; it is the latest call from now on. */
static void profile_add(profile *m, const double *times, size_t n_steps, const int64_t *dims, size_t n_dims)
{
    for (size_t i = 0; i < n_steps; i++) {
        m->total[2 * i] += times[STEP_TIMES * i + 1];
        m->total[2 * i + 1] += times[STEP_TIMES * i + 2];
    }
    memcpy(m->last, times, STEP_TIMES * n_steps * sizeof(double));
    memcpy(m->dims, dims, n_dims * sizeof(int64_t));
}

#endif
