/* Large outputs: their memory returns to a small pool when the array dies, so that a steady loop does not ask
   the system for fresh zeroed pages on every call. Part of driver.c. */
#ifndef PYTENSOR_DRIVER_MEMORY_H
#define PYTENSOR_DRIVER_MEMORY_H

#include "driver_pages.h"

/* Arrays from this size on are pooled: below, malloc keeps its pages anyway. */
#define POOLED_BYTES ((int64_t)1 << 17)
#define POOL_PLACES 16
#define POOL_BYTES ((size_t)1 << 26)

typedef struct {
    void *at;
    size_t size;
} pooled_block;

static pooled_block pooled[POOL_PLACES];
static size_t pooled_bytes;
static PyObject *pool_handler; /* capsule; lives as long as the process, like the arrays that name it */
#ifdef Py_GIL_DISABLED
static PyMutex pool_mutex;
#define PAGES_LOCK() PyMutex_Lock(&pool_mutex)
#define PAGES_UNLOCK() PyMutex_Unlock(&pool_mutex)
#else
/* NumPy frees arrays with the GIL held. */
#define PAGES_LOCK() ((void)0)
#define PAGES_UNLOCK() ((void)0)
#endif

static void *pool_malloc(void *context, size_t size)
{
    (void)context;
    void *found = NULL;
    PAGES_LOCK();
    for (int i = 0; i < POOL_PLACES; i++)
        /* A block of another size would waste memory or be too small; steady loops repeat sizes. */
        if (pooled[i].at && pooled[i].size == size) {
            found = pooled[i].at;
            pooled[i].at = NULL;
            pooled_bytes -= size;
            break;
        }
    PAGES_UNLOCK();
    return found ? found : pages_malloc(size);
}

static void pool_free(void *context, void *at, size_t size)
{
    (void)context;
    static int turn;
    if (!at)
        return;
    if (size < (size_t)POOLED_BYTES || size > POOL_BYTES) {
        free(at);
        return;
    }
    PAGES_LOCK();
    /* Replace the places in turn; what does not fit any more goes back to the system. */
    pooled_block *place = &pooled[turn++ % POOL_PLACES];
    void *old = place->at;
    if (old)
        pooled_bytes -= place->size;
    place->at = at;
    place->size = size;
    pooled_bytes += size;
    for (int i = 0; pooled_bytes > POOL_BYTES && i < POOL_PLACES; i++) {
        pooled_block *other = &pooled[(turn + i) % POOL_PLACES];
        if (other == place || !other->at)
            continue;
        pooled_bytes -= other->size;
        free(other->at);
        other->at = NULL;
    }
    PAGES_UNLOCK();
    free(old);
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
