/* Large blocks: outputs, when their arrays die, and the buffers of frames, when their program collects,
   return to a small pool, so that a steady loop does not ask the system for fresh zeroed pages on every call.
   The pool is one for the process: functions that are called in turn share it. Part of driver.c. */
#ifndef PYTENSOR_DRIVER_MEMORY_H
#define PYTENSOR_DRIVER_MEMORY_H

#include "driver_pages.h"

/* Blocks from this size on are pooled: below, malloc keeps its pages anyway. */
#define POOLED_BYTES ((int64_t)1 << 17)
#define POOL_PLACES 32
#define POOL_BYTES ((size_t)1 << 26)

typedef struct {
    void *at;
    size_t size;
} pooled_block;

static pooled_block pooled[POOL_PLACES];
static size_t pooled_bytes;
static PyObject *pool_handler; /* capsule; lives as long as the process, like the arrays that name it */

/* Frames come here without the GIL. Whoever finds the pool in use goes to the system instead of waiting: so a
   forked child whose parent was just in here does not hang. */
static int pool_in_use;
#if defined(__GNUC__)
#define POOL_TRY() (!__atomic_exchange_n(&pool_in_use, 1, __ATOMIC_ACQUIRE))
#define POOL_LEAVE() __atomic_store_n(&pool_in_use, 0, __ATOMIC_RELEASE)
#else
#define POOL_TRY() (!_InterlockedExchange((volatile long *)&pool_in_use, 1))
#define POOL_LEAVE() ((void)_InterlockedExchange((volatile long *)&pool_in_use, 0))
#endif

static void *pool_take(size_t size)
{
    void *found = NULL;
    if (size < (size_t)POOLED_BYTES || size > POOL_BYTES || !POOL_TRY())
        return pages_malloc(size);
    for (int i = 0; i < POOL_PLACES; i++)
        /* A block of another size would waste memory or be too small; steady loops repeat sizes. */
        if (pooled[i].at && pooled[i].size == size) {
            found = pooled[i].at;
            pooled[i].at = NULL;
            pooled_bytes -= size;
            break;
        }
    POOL_LEAVE();
    return found ? found : pages_malloc(size);
}

/* The place for one more block: a free one, or else one in turn, whose block is given back. */
static pooled_block *pool_place(void **old)
{
    static int turn;
    for (int i = 0; i < POOL_PLACES; i++)
        if (!pooled[i].at)
            return &pooled[i];
    pooled_block *place = &pooled[turn++ % POOL_PLACES];
    *old = place->at;
    pooled_bytes -= place->size;
    return place;
}

static void pool_give(void *at, size_t size)
{
    void *old = NULL;
    if (!at || size < (size_t)POOLED_BYTES || size > POOL_BYTES || !POOL_TRY()) {
        free(at);
        return;
    }
    pooled_block *place = pool_place(&old);
    *place = (pooled_block){at, size};
    pooled_bytes += size;
    /* What does not fit any more goes back to the system. */
    for (int i = 0; pooled_bytes > POOL_BYTES && i < POOL_PLACES; i++) {
        pooled_block *other = &pooled[i];
        if (other == place || !other->at)
            continue;
        pooled_bytes -= other->size;
        free(other->at);
        other->at = NULL;
    }
    POOL_LEAVE();
    free(old);
}

static void *pool_malloc(void *context, size_t size)
{
    (void)context;
    return pool_take(size);
}

static void pool_free(void *context, void *at, size_t size)
{
    (void)context;
    pool_give(at, size);
}

static void *pool_calloc(void *context, size_t count, size_t size)
{
    (void)context;
    return calloc(count ? count : 1, size ? size : 1);
}

static void *pool_realloc(void *context, void *at, size_t size)
{
    (void)context;
    return realloc(at, size ? size : 1);
}

static PyDataMem_Handler pool_functions = {
        "pytensor_pool", 1, {NULL, pool_malloc, pool_calloc, pool_realloc, pool_free}};

static PyObject *new_pooled_array(int type_num, int ndim, const int64_t *shape, npy_intp *strides)
{
    PyObject *old = PyDataMem_SetHandler(pool_handler);
    if (!old)
        return NULL;
    PyObject *array =
            PyArray_New(&PyArray_Type, ndim, (npy_intp *)shape, type_num, strides, NULL, 0, 0, NULL);
    PyObject *ours = PyDataMem_SetHandler(old);
    Py_DECREF(old);
    if (!ours)
        Py_CLEAR(array);
    Py_XDECREF(ours);
    return array;
}

static int pool_start(void)
{
    pool_handler = PyCapsule_New(&pool_functions, "mem_handler", NULL);
    return pool_handler ? 0 : -1;
}

#endif
