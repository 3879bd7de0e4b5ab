/* Shared values in a call: reading them, overwriting them in place, storing updates. Part of driver.c.

   A shared value is the content of a cell [value] of Python. A call takes references to all values it reads
   at once, and holds them until it ends. A call with updates holds the locks of what it updates. It may
   overwrite a value in place if nobody else refers to it: first it sets the cell's flag, then it counts the
   references. Who reads a value takes a reference first, then looks at the flag, and waits if it is set. So
   either the writer sees the reader's reference and works on a copy, or the reader sees the flag. The same
   keeps memory that the user borrowed, or gave as an argument too, from being changed. */
#ifndef PYTENSOR_DRIVER_SHARED_H
#define PYTENSOR_DRIVER_SHARED_H

typedef struct {
    PyObject_HEAD vectorcallfunc vectorcall;
    PyObject *weakrefs;
    program *prog;
    PyObject *cells;     /* one per input of the program: None for an argument, else the cell [value] */
    PyObject *writing;   /* likewise: the flag of the cell, a bytearray of length 1 */
    PyObject *waits;     /* likewise: the lock of the cell */
    PyObject *filters;   /* likewise: converts an argument, or None to trust it */
    PyObject *updates;   /* cells for the outputs from number n_returned on */
    PyObject *locks;     /* of the cells of updates, in the order of everybody */
    PyObject *duplicate; /* copies a value that is not an array */
    PyObject *slow;
    int32_t *shared;  /* inputs that are shared values */
    int32_t *inplace; /* those that the program may overwrite: if it fails it has not begun to */
    int32_t *copied;  /* those that it overwrites before it is done: it gets copies */
    Py_ssize_t n_shared, n_inplace, n_copied;
    Py_ssize_t n_arguments;
    Py_ssize_t n_returned;
    int unpack;
} caller;

static PyObject *name_of_acquire, *name_of_release;

#ifdef Py_GIL_DISABLED
/* Odd while updates are stored: who reads several values sees all updates of a call or none. */
static uint64_t commits;
static PyMutex commit_mutex;
#define COMMITS_NOW() __atomic_load_n(&commits, __ATOMIC_SEQ_CST)
#define FULL_FENCE() __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define FLAG_GET(flag) __atomic_load_n(flag, __ATOMIC_SEQ_CST)
#define FLAG_SET(flag, value) __atomic_store_n(flag, value, __ATOMIC_SEQ_CST)
#else
/* Between the lines below nobody gives the GIL away. */
#define COMMITS_NOW() ((uint64_t)0)
#define FULL_FENCE() ((void)0)
#define FLAG_GET(flag) (*(flag))
#define FLAG_SET(flag, value) ((void)(*(flag) = (value)))
#endif

/* After a fork nobody is there who would leave. */
static void shared_after_fork(void)
{
#ifdef Py_GIL_DISABLED
    memset(&commit_mutex, 0, sizeof commit_mutex);
    commits += commits & 1;
#endif
    POOL_LEAVE();
}

static int lock_call(PyObject *lock, int release)
{
    PyObject *done = PyObject_CallMethodNoArgs(lock, release ? name_of_release : name_of_acquire);
    Py_XDECREF(done);
    return done ? 0 : -1;
}

/* Release and keep the exception that is set. */
static void unlock(PyObject *lock)
{
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    if (lock_call(lock, 1))
        PyErr_WriteUnraisable(lock);
    PyErr_Restore(type, value, traceback);
}

static inline char *flag_of(const caller *c, int32_t input)
{
    return PyByteArray_AS_STRING(PyTuple_GET_ITEM(c->writing, input));
}

static inline int is_cell(PyObject *cell)
{
    if (PT_LIKELY(PyList_CheckExact(cell) && PyList_GET_SIZE(cell) > 0))
        return 1;
    PyErr_SetString(PyExc_TypeError, "[Caller] a shared value must be in a cell [value]");
    return 0;
}

static inline int read_cells(caller *c, PyObject **values)
{
    for (Py_ssize_t k = 0; k < c->n_shared; k++) {
        int32_t i = c->shared[k];
        PyObject *cell = PyTuple_GET_ITEM(c->cells, i);
        if (!is_cell(cell))
            return -1;
#ifdef Py_GIL_DISABLED
        PyObject *value = PyList_GetItemRef(cell, 0);
        if (!value)
            return -1;
#else
        PyObject *value = Py_NewRef(PyList_GET_ITEM(cell, 0));
#endif
        Py_XSETREF(values[i], value);
    }
    return 0;
}

/* Number (in `shared`) of a value that is being overwritten, or -1; those in `own` do not count. */
static inline Py_ssize_t find_written(caller *c, uint64_t own)
{
    for (Py_ssize_t k = 0; k < c->n_shared; k++)
        if (PT_UNLIKELY(FLAG_GET(flag_of(c, c->shared[k]))) && !(k < 64 && own >> k & 1))
            return k;
    return -1;
}

/* Read all shared values: none half-written, and of the updates of another call all or none. */
static int read_shared(caller *c, PyObject **values)
{
    uint64_t own = 0;
    for (;;) {
        const uint64_t before = COMMITS_NOW();
        if (read_cells(c, values))
            return -1;
        FULL_FENCE();
        Py_ssize_t k = find_written(c, own);
        if (PT_LIKELY(k < 0)) {
            if (PT_LIKELY(c->n_shared == 1 || (!(before & 1) && COMMITS_NOW() == before)))
                return 0;
            continue;
        }
        PyObject *lock = PyTuple_GET_ITEM(c->waits, c->shared[k]);
        if (lock_call(lock, 0))
            return -1;
        int status = 1;
        if (FLAG_GET(flag_of(c, c->shared[k])) == 0) {
            /* While we are here nobody writes to this one. */
            const uint64_t now = COMMITS_NOW();
            status = read_cells(c, values);
            if (!status)
                status = find_written(c, own) >= 0 || now & 1 || COMMITS_NOW() != now;
        } else if (k < 64)
            own |= (uint64_t)1 << k; /* this very thread writes, further out */
        else {
            PyErr_SetString(PyExc_RuntimeError, "[Caller] a call reads the shared values it is changing");
            status = -1;
        }
        unlock(lock);
        if (status <= 0)
            return status;
    }
}

/* Whether cell and caller hold the only references to an array and to its memory. */
static int is_exclusive(PyObject *value)
{
    if (!PyArray_CheckExact(value) || Py_REFCNT(value) != 2)
        return 0;
    PyArrayObject *array = (PyArrayObject *)value;
    if (PyArray_CHKFLAGS(array, NPY_ARRAY_OWNDATA))
        return 1;
    PyObject *base = PyArray_BASE(array);
    return base && PyArray_CheckExact(base) && Py_REFCNT(base) == 1 &&
           PyArray_CHKFLAGS((PyArrayObject *)base, NPY_ARRAY_OWNDATA);
}

static int replace_by_copy(caller *c, PyObject **value)
{
    PyObject *copy = PyArray_Check(*value) ? PyArray_NewCopy((PyArrayObject *)*value, NPY_KEEPORDER)
                                           : PyObject_CallOneArg(c->duplicate, *value);
    if (!copy)
        return -1;
    Py_SETREF(*value, copy);
    return 0;
}

/* Make sure that the program may overwrite what it overwrites. Sets a bit in `claimed` for each value that is
   overwritten where it is. The locks are held. */
static int claim_shared(caller *c, PyObject **values, uint64_t *claimed)
{
    for (Py_ssize_t k = 0; k < c->n_copied; k++)
        if (replace_by_copy(c, &values[c->copied[k]]))
            return -1;
    for (Py_ssize_t k = 0; k < c->n_inplace; k++) {
        int32_t i = c->inplace[k];
        char *flag = flag_of(c, i), was = *flag;
        int in_place = 0;
        if (k < 64 && was == 0) {
            FLAG_SET(flag, 1);
            FULL_FENCE();
            in_place = c->prog->slots[i].type_num < 0 || is_exclusive(values[i]);
            if (in_place)
                *claimed |= (uint64_t)1 << k;
            else
                FLAG_SET(flag, 0);
        }
        if (!in_place && replace_by_copy(c, &values[i]))
            return -1;
    }
    return 0;
}

static void release_claims(caller *c, uint64_t claimed)
{
    for (Py_ssize_t k = 0; claimed; k++, claimed >>= 1)
        if (claimed & 1)
            FLAG_SET(flag_of(c, c->inplace[k]), 0);
}

/* Store the updates: all or, with an exception, none. The old values go to `outputs` and die with it, when
   everything is in its place: their end may run anything. */
static int store_updates(caller *c, PyObject *outputs)
{
    const Py_ssize_t n = PyTuple_GET_SIZE(c->updates);
    for (Py_ssize_t i = 0; i < n; i++)
        if (!is_cell(PyTuple_GET_ITEM(c->updates, i)))
            return -1;
#ifdef Py_GIL_DISABLED
    PyMutex_Lock(&commit_mutex);
    __atomic_add_fetch(&commits, 1, __ATOMIC_SEQ_CST);
#endif
    for (Py_ssize_t i = 0; i < n; i++) {
        PyObject *cell = PyTuple_GET_ITEM(c->updates, i);
        PyObject *value = PyList_GET_ITEM(outputs, c->n_returned + i);
#ifdef Py_GIL_DISABLED
        PyObject *old = PyList_GetItemRef(cell, 0);
        PyList_SetItem(cell, 0, value);
#else
        PyObject *old = PyList_GET_ITEM(cell, 0);
        PyList_SET_ITEM(cell, 0, value);
#endif
        PyList_SET_ITEM(outputs, c->n_returned + i, old);
    }
#ifdef Py_GIL_DISABLED
    __atomic_add_fetch(&commits, 1, __ATOMIC_SEQ_CST);
    PyMutex_Unlock(&commit_mutex);
#endif
    return 0;
}

#endif
