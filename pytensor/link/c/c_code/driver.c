/* The driver: the one C file that knows Python. It provides Program, the callable that checks inputs, runs
   the steps of a lowered graph and wraps outputs, and load(), which opens a compiled unit.

   A program holds no state of a call: everything lives in a frame, taken from a pool of its program for the
   time of the call. Any number of threads may call one program. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <structmember.h>
#define NPY_NO_DEPRECATED_API NPY_1_22_API_VERSION
#define NPY_TARGET_VERSION NPY_1_22_API_VERSION
#include <numpy/arrayobject.h>
#ifdef _WIN32
#include <windows.h>
#else
#include <dlfcn.h>
#include <pthread.h>
#endif

#include "driver_frame.h"
#include "driver_memory.h"
#include "driver_run.h"
#include "driver_reduce.h"
#include "driver_sort.h"

#define LIBRARY "pytensor.library"
#define LEAST_DATA 64

static PyObject *linalg_error; /* numpy.linalg.LinAlgError */

static PyObject *exception_class(int kind)
{
    switch (kind) {
    case PT_VALUE_ERROR:
        return PyExc_ValueError;
    case PT_TYPE_ERROR:
        return PyExc_TypeError;
    case PT_INDEX_ERROR:
        return PyExc_IndexError;
    case PT_ZERO_DIVISION:
        return PyExc_ZeroDivisionError;
    case PT_OVERFLOW:
        return PyExc_OverflowError;
    case PT_MEMORY:
        return PyExc_MemoryError;
    case PT_LINALG_ERROR:
        return linalg_error;
    case PT_NOT_IMPLEMENTED:
        return PyExc_NotImplementedError;
    case PT_ASSERTION_ERROR:
        return PyExc_AssertionError;
    default:
        return PyExc_RuntimeError;
    }
}

/* What the error handler is told about an input: its array if some object owns it, else a copy. */
static PyObject *describe_slot(frame *f, int32_t at)
{
    if (slot_owner(f, at) >= 0)
        return slot_object(f, at, 1);
    if (f->prog->slots[at].type_num < 0 || !f->slot[at].data)
        Py_RETURN_NONE;
    return slot_copy(f, at);
}

static PyObject *failing_inputs(frame *f)
{
    const step_info *step = &f->prog->steps[f->step];
    PyObject *inputs = PyTuple_New(step->n_in);
    for (int32_t k = 0; inputs && k < step->n_in; k++) {
        PyObject *value = describe_slot(f, f->prog->args[step->args + k]);
        if (!value)
            Py_CLEAR(inputs);
        else
            PyTuple_SET_ITEM(inputs, k, value);
    }
    return inputs;
}

/* Raise for a failed step: the exception of the kernel, handed to the handler that knows graph and source
   line. */
static void raise_failure(frame *f)
{
    PyObject *type, *value, *traceback;
    hold_gil(f);
    if (f->error != PT_PYTHON)
        PyErr_SetString(exception_class(f->error), f->message[0] ? f->message : "a step failed");
    f->message[0] = 0;
    if (!PyErr_ExceptionMatches(PyExc_Exception) || f->prog->handler == Py_None)
        return;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    if (traceback)
        PyException_SetTraceback(value, traceback);
    PyObject *inputs = failing_inputs(f);
    if (inputs) {
        PyObject *done = PyObject_CallFunction(
                f->prog->handler, "iOOL", (int)f->step, value, inputs, (long long)f->ctx.iteration);
        Py_DECREF(inputs);
        if (!done) {
            Py_XDECREF(type);
            Py_XDECREF(value);
            Py_XDECREF(traceback);
            return;
        }
        Py_DECREF(done);
    }
    PyErr_Restore(type, value, traceback);
}

/* Run a program on the values of all its inputs; give the list of outputs, or the only output. */
static PyObject *program_run(program *p, PyObject *const *values, int unpack)
{
    PyObject *outputs = NULL;
    frame *f = frame_take(p);
    if (PT_UNLIKELY(!f))
        return NULL;
    f->ctx.work = 0.0;
    f->ctx.interpreted = 0.0;
    f->ctx.resume = 0;
    f->ctx.iteration = -1;
    if (PT_UNLIKELY(p->measured != NULL))
        begin_measuring(f);
    if (PT_LIKELY(take_inputs(f, values) == 0)) {
        if (PT_LIKELY(run_block(f, 0) == PT_OK)) {
            hold_gil(f);
            /* scipy.special.errstate may turn what its functions report into exceptions. */
            if (PT_UNLIKELY(p->services.special != NULL) && PyErr_Occurred()) {
                f->error = PT_PYTHON;
                raise_failure(f);
            } else
                outputs = unpack ? slot_object(f, p->outputs[0], 0) : give_outputs(f);
        } else
            raise_failure(f);
        if (PT_UNLIKELY(f->ctx.interpreted > 0.0))
            note_end(f);
    }
    if (PT_UNLIKELY(f->times != NULL))
        end_measuring(f, outputs == NULL);
    frame_give(f);
    return outputs;
}

static PyObject *program_vectorcall(PyObject *self, PyObject *const *values, size_t flags, PyObject *names)
{
    program *p = (program *)self;
    Py_ssize_t n = PyVectorcall_NARGS(flags);
    if (PT_UNLIKELY(n != p->n_inputs || !p->filters || (names && PyTuple_GET_SIZE(names))))
        return PyErr_Format(PyExc_TypeError, "the program takes %zd values, got %zd", p->n_inputs, n);
    return program_run(p, values, 0);
}

/* Copy a bytes object of int32 or int64 into memory of our own. */
static void *copy_table(PyObject *bytes, size_t item, Py_ssize_t *count)
{
    Py_ssize_t size = PyBytes_GET_SIZE(bytes);
    void *table = PyMem_Malloc(size ? (size_t)size : 1);
    if (!table) {
        PyErr_NoMemory();
        return NULL;
    }
    memcpy(table, PyBytes_AS_STRING(bytes), (size_t)size);
    *count = size / (Py_ssize_t)item;
    return table;
}

/* The kernels of all libraries, one after the other. */
static pt_kernel **gather_kernels(PyObject *libraries, int64_t *count)
{
    pt_kernel **kernels = NULL, **more;
    *count = 0;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(libraries); i++) {
        void *const *opened = PyCapsule_GetPointer(PyTuple_GET_ITEM(libraries, i), LIBRARY);
        int64_t n = opened ? *(const int32_t *)opened[2] : 0;
        if (!opened || !(more = PyMem_Realloc(kernels, sizeof(pt_kernel *) * (size_t)(*count + n + 1)))) {
            PyMem_Free(kernels);
            return opened ? (pt_kernel **)PyErr_NoMemory() : NULL;
        }
        kernels = more;
        memcpy(kernels + *count, opened[1], sizeof(pt_kernel *) * (size_t)n);
        *count += n;
    }
    return kernels ? kernels : PyMem_Malloc(1);
}

/* Steps come as rows (kind, index of the kernel or call, first argument, inputs, outputs, data or -1). */
static int fill_steps(program *p, const int32_t *row, pt_kernel *const *kernels, int64_t n_kernels,
        const int64_t *offsets, int64_t n_data)
{
    const int64_t n_calls = PyTuple_GET_SIZE(p->calls);
    const int64_t limit[4] = {n_kernels, n_calls, n_calls, p->n_steps + 1};
    for (Py_ssize_t i = 0; i < p->n_steps; i++, row += 6) {
        int kind = row[0];
        if (kind < 0 || kind > STEP_SKIP || row[1] < 0 || row[1] >= limit[kind] || row[2] < 0 ||
                row[2] + row[3] + (kind == STEP_SKIP ? 0 : row[4]) > p->n_args || row[5] >= n_data) {
            PyErr_SetString(
                    PyExc_ValueError, "[Program] steps must name existing kernels, calls and arguments");
            return -1;
        }
        p->steps[i] = (step_info){kind == STEP_KERNEL ? kernels[row[1]] : NULL,
                row[5] < 0 ? NULL : p->data + offsets[row[5]], kind, row[1], row[2], row[3], row[4]};
    }
    return 0;
}

/* Copy the data of steps to aligned memory; give where each begins. Each must begin with its own size, so
   that a kernel can trust it to be whole. */
static int64_t *read_data(program *p, PyObject *data)
{
    const Py_ssize_t n = PyTuple_GET_SIZE(data);
    int64_t total = 0, *offsets = PyMem_New(int64_t, n + 1);
    if (!offsets)
        return (int64_t *)PyErr_NoMemory();
    for (Py_ssize_t i = 0; i < n; i++) {
        PyObject *item = PyTuple_GET_ITEM(data, i);
        int64_t size = PyBytes_Check(item) ? PyBytes_GET_SIZE(item) : 0, said = 0;
        if (size >= LEAST_DATA)
            memcpy(&said, PyBytes_AS_STRING(item), sizeof said);
        if (size < LEAST_DATA || said != size) {
            PyErr_SetString(PyExc_ValueError, "[Program] data must be bytes that begin with their number");
            PyMem_Free(offsets);
            return NULL;
        }
        offsets[i] = total;
        total += (size + ALIGNMENT - 1) & ~(int64_t)(ALIGNMENT - 1);
    }
    if (!(p->data_raw = PyMem_Calloc(1, (size_t)total + ALIGNMENT))) {
        PyMem_Free(offsets);
        return (int64_t *)PyErr_NoMemory();
    }
    p->data = (char *)(((uintptr_t)p->data_raw + ALIGNMENT - 1) & ~(uintptr_t)(ALIGNMENT - 1));
    for (Py_ssize_t i = 0; i < n; i++) {
        PyObject *item = PyTuple_GET_ITEM(data, i);
        memcpy(p->data + offsets[i], PyBytes_AS_STRING(item), (size_t)PyBytes_GET_SIZE(item));
    }
    return offsets;
}

static int read_steps(program *p, PyObject *bytes, PyObject *data)
{
    int64_t n_kernels;
    p->n_steps = PyBytes_GET_SIZE(bytes) / (6 * (Py_ssize_t)sizeof(int32_t));
    p->steps = PyMem_New(step_info, p->n_steps ? p->n_steps : 1);
    if (!p->steps) {
        PyErr_NoMemory();
        return -1;
    }
    int64_t *offsets = read_data(p, data);
    pt_kernel **kernels = offsets ? gather_kernels(p->library, &n_kernels) : NULL;
    int status = -1;
    if (kernels)
        status = fill_steps(p, (const int32_t *)(const void *)PyBytes_AS_STRING(bytes), kernels, n_kernels,
                offsets, PyTuple_GET_SIZE(data));
    PyMem_Free(kernels);
    PyMem_Free(offsets);
    return status;
}

static int check_tables(program *p)
{
    for (Py_ssize_t i = 0; i < p->n_slots; i++) {
        const slot_info *s = &p->slots[i];
        if (s->parent < 0 || s->parent >= p->n_slots || s->buffer >= p->n_buffers || s->reuse >= p->n_slots ||
                s->ndim < 0 || (s->memory == MEMORY_BUFFER && s->buffer < 0))
            return -1;
        p->n_dims += 2 * s->ndim;
        p->destroys |= s->flags & SLOT_DESTROYED;
    }
    for (Py_ssize_t i = 0; i < p->n_args; i++)
        if (p->args[i] < 0 || p->args[i] >= p->n_slots)
            return -1;
    for (Py_ssize_t i = 0; i < p->n_outputs; i++)
        if (p->outputs[i] < 0 || p->outputs[i] >= p->n_slots)
            return -1;
    for (Py_ssize_t i = 0; i < p->n_blocks; i++)
        if (p->blocks[i].start < 0 || p->blocks[i].stop > p->n_steps)
            return -1;
    return p->n_blocks < 1 || p->n_inputs > p->n_slots || PyTuple_GET_SIZE(p->filters) != p->n_inputs ||
                           PyTuple_GET_SIZE(p->constant_values) != p->n_constants
                   ? -1
                   : 0;
}

static int is_python(const step_info *step)
{
    return step->kind == STEP_PYTHON || step->kind == STEP_LAZY_PYTHON;
}

/* Which slots own an object during a call: NumPy memory and results of Python. */
static int find_held(program *p)
{
    char *held = PyMem_Calloc((size_t)p->n_slots + 1, 1);
    p->held = PyMem_New(int32_t, p->n_slots + 1);
    if (!held || !p->held) {
        PyMem_Free(held);
        PyErr_NoMemory();
        return -1;
    }
    for (Py_ssize_t i = 0; i < p->n_slots; i++)
        held[i] = p->slots[i].memory == MEMORY_NUMPY;
    for (Py_ssize_t i = 0; i < p->n_steps; i++)
        for (int32_t k = 0; is_python(&p->steps[i]) && k < p->steps[i].n_out; k++)
            held[p->args[p->steps[i].args + p->steps[i].n_in + k]] = 1;
    for (Py_ssize_t i = 0; i < p->n_slots; i++)
        if (held[i])
            p->held[p->n_held++] = (int32_t)i;
    PyMem_Free(held);
    return 0;
}

static int set_tables(program *p)
{
    if (!PyTuple_Check(p->tables) || PyTuple_GET_SIZE(p->tables) != 3)
        return -1;
    PyObject *blas = PyTuple_GET_ITEM(p->tables, 0), *lapack = PyTuple_GET_ITEM(p->tables, 1),
             *special = PyTuple_GET_ITEM(p->tables, 2);
    p->services = (pt_services){service_fail, service_alloc, service_scratch, service_run,
            service_release_gil, service_hold_gil, pt_elemwise_run, pt_reduce_run, service_pause,
            service_sort, service_kernel, NULL, NULL, NULL};
    if (PyBytes_Check(blas))
        p->services.blas = (void *const *)(void *)PyBytes_AS_STRING(blas);
    if (PyBytes_Check(lapack))
        p->services.lapack = (void *const *)(void *)PyBytes_AS_STRING(lapack);
    if (PyBytes_Check(special))
        p->services.special = (void *const *)(void *)PyBytes_AS_STRING(special);
    return 0;
}

static PyObject *program_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    static char *names[] = {"libraries", "slots", "steps", "args", "blocks", "outputs", "static_shape",
            "constants", "constant_values", "filters", "calls", "handler", "tables", "n_buffers", "data",
            "collect", NULL};
    PyObject *library, *slots, *steps, *arguments, *blocks, *outputs, *shapes, *constants, *values, *filters,
            *calls, *handler, *tables, *data;
    int n_buffers, collect = 1;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "O!SSSSSSSO!O!O!OOiO!|p", names, &PyTuple_Type, &library,
                &slots, &steps, &arguments, &blocks, &outputs, &shapes, &constants, &PyTuple_Type, &values,
                &PyTuple_Type, &filters, &PyTuple_Type, &calls, &handler, &tables, &n_buffers, &PyTuple_Type,
                &data, &collect))
        return NULL;
    program *p = (program *)type->tp_alloc(type, 0);
    if (!p)
        return NULL;
    Py_ssize_t words = 0, unused;
    p->vectorcall = program_vectorcall;
    p->library = Py_NewRef(library);
    p->constant_values = Py_NewRef(values);
    p->filters = Py_NewRef(filters);
    p->calls = Py_NewRef(calls);
    p->handler = Py_NewRef(handler);
    p->tables = Py_NewRef(tables);
    p->n_inputs = PyTuple_GET_SIZE(filters);
    p->n_buffers = n_buffers;
    p->collect = collect;
    if (!(p->slots = copy_table(slots, sizeof(slot_info), &p->n_slots)) ||
            !(p->args = copy_table(arguments, sizeof(int32_t), &p->n_args)) ||
            !(p->blocks = copy_table(blocks, sizeof(block_info), &p->n_blocks)) ||
            !(p->outputs = copy_table(outputs, sizeof(int32_t), &p->n_outputs)) ||
            !(p->static_shape = copy_table(shapes, sizeof(int64_t), &unused)) ||
            !(p->constants = copy_table(constants, sizeof(int32_t), &p->n_constants)) ||
            read_steps(p, steps, data))
        goto fail;
    words = check_tables(p) || set_tables(p);
    if (words) {
        PyErr_SetString(PyExc_ValueError, "[Program] tables must agree with one another");
        goto fail;
    }
    if (find_held(p))
        goto fail;
    return (PyObject *)p;
fail:
    Py_DECREF(p);
    return NULL;
}

static int program_traverse(PyObject *self, visitproc visit, void *arg)
{
    program *p = (program *)self;
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(p->constant_values);
    Py_VISIT(p->filters);
    Py_VISIT(p->calls);
    Py_VISIT(p->handler);
    Py_VISIT(p->hot);
    return 0;
}

static int program_clear(PyObject *self)
{
    program *p = (program *)self;
    frames_free(p);
    Py_CLEAR(p->constant_values);
    Py_CLEAR(p->filters);
    Py_CLEAR(p->calls);
    Py_CLEAR(p->handler);
    Py_CLEAR(p->hot);
    return 0;
}

static void program_dealloc(PyObject *self)
{
    program *p = (program *)self;
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    if (p->weakrefs)
        PyObject_ClearWeakRefs(self);
    program_clear(self);
    Py_CLEAR(p->tables);
    PyMem_Free(p->data_raw);
    PyMem_Free(p->slots);
    PyMem_Free(p->steps);
    PyMem_Free(p->blocks);
    PyMem_Free(p->args);
    PyMem_Free(p->outputs);
    PyMem_Free(p->held);
    PyMem_Free(p->static_shape);
    PyMem_Free(p->constants);
    profile_free(p->measured);
    Py_CLEAR(p->library);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyObject *program_measure(PyObject *self, PyObject *unused)
{
    program *p = (program *)self;
    (void)unused;
    profile *fresh = profile_new((size_t)p->n_steps, (size_t)p->n_dims);
    if (!fresh)
        return PyErr_NoMemory();
    POOL_LOCK(p);
    if (!p->measured)
        p->measured = fresh;
    else {
        /* Running calls hold on to the object: its content changes, not its place. */
        profile *m = p->measured;
        memset(m->total, 0, 2 * (size_t)p->n_steps * sizeof(double));
        memset(m->last, 0, STEP_TIMES * (size_t)p->n_steps * sizeof(double));
        m->calls = m->seconds = m->outer_calls = m->outer_seconds = m->failed = m->held = 0.0;
        profile_free(fresh);
    }
    POOL_UNLOCK(p);
    Py_RETURN_NONE;
}

static PyObject *program_measured(PyObject *self, PyObject *unused)
{
    program *p = (program *)self;
    profile *m = p->measured;
    Py_ssize_t item = (Py_ssize_t)sizeof(double);
    (void)unused;
    if (!m)
        Py_RETURN_NONE;
    PyObject *total = PyBytes_FromStringAndSize(NULL, 2 * p->n_steps * item);
    PyObject *last = PyBytes_FromStringAndSize(NULL, STEP_TIMES * p->n_steps * item);
    PyObject *dims = PyBytes_FromStringAndSize(NULL, p->n_dims * (Py_ssize_t)sizeof(int64_t));
    if (!total || !last || !dims) {
        Py_XDECREF(total);
        Py_XDECREF(last);
        Py_XDECREF(dims);
        return NULL;
    }
    POOL_LOCK(p);
    memcpy(PyBytes_AS_STRING(total), m->total, (size_t)PyBytes_GET_SIZE(total));
    memcpy(PyBytes_AS_STRING(last), m->last, (size_t)PyBytes_GET_SIZE(last));
    memcpy(PyBytes_AS_STRING(dims), m->dims, (size_t)PyBytes_GET_SIZE(dims));
    double sums[6] = {m->calls, m->seconds, m->outer_calls, m->outer_seconds, m->failed, m->held};
    POOL_UNLOCK(p);
    return Py_BuildValue(
            "(dddddd)NNN", sums[0], sums[1], sums[2], sums[3], sums[4], sums[5], total, last, dims);
}

/* adopt(libraries, numbers): for each step the number of a kernel in these libraries that replaces its own,
   or -1. Calls that run meanwhile take the old or the new one at each step; both stay loaded. */
static PyObject *program_adopt(PyObject *self, PyObject *args)
{
    program *p = (program *)self;
    PyObject *libraries, *table;
    int64_t n_kernels;
    if (!PyArg_ParseTuple(args, "O!S", &PyTuple_Type, &libraries, &table))
        return NULL;
    if (PyBytes_GET_SIZE(table) != p->n_steps * (Py_ssize_t)sizeof(int32_t))
        return PyErr_Format(PyExc_ValueError, "[Program] adopt must get one number for each step");
    const int32_t *number = (const int32_t *)(const void *)PyBytes_AS_STRING(table);
    pt_kernel **kernels = gather_kernels(libraries, &n_kernels);
    PyObject *all = kernels ? PySequence_Concat(p->library, libraries) : NULL;
    int wrong = 0;
    for (Py_ssize_t i = 0; i < p->n_steps; i++)
        wrong |= number[i] >= n_kernels || (number[i] >= 0 && p->steps[i].kind != STEP_KERNEL);
    if (!all || wrong) {
        PyMem_Free(kernels);
        Py_XDECREF(all);
        return all ? PyErr_Format(PyExc_ValueError, "[Program] adopt must name existing kernels") : NULL;
    }
    Py_SETREF(p->library, all);
    for (Py_ssize_t i = 0; i < p->n_steps; i++)
        if (number[i] >= 0)
            step_exchange(&p->steps[i], kernels[number[i]]);
    PyMem_Free(kernels);
    Py_RETURN_NONE;
}

/* step_data(number): a copy of the data of a step, as calls have left it. */
static PyObject *program_step_data(PyObject *self, PyObject *number)
{
    program *p = (program *)self;
    Py_ssize_t at = PyLong_AsSsize_t(number);
    if (at == -1 && PyErr_Occurred())
        return NULL;
    if (at < 0 || at >= p->n_steps || p->steps[at].kind != STEP_KERNEL || !p->steps[at].data)
        return PyErr_Format(PyExc_ValueError, "[Program] step %zd has no data", at);
    const char *data = p->steps[at].data;
    return PyBytes_FromStringAndSize(data, (Py_ssize_t) * (const int64_t *)(const void *)data);
}

/* watch(limit, callback): call back once when interpreted steps have cost `limit` nanoseconds; None: never.
 */
static PyObject *program_watch(PyObject *self, PyObject *args)
{
    program *p = (program *)self;
    PyObject *hot;
    double limit;
    if (!PyArg_ParseTuple(args, "dO", &limit, &hot))
        return NULL;
    POOL_LOCK(p);
    PyObject *old = p->hot;
    p->limit = limit;
    p->hot = hot == Py_None ? NULL : Py_NewRef(hot);
    POOL_UNLOCK(p);
    Py_XDECREF(old);
    Py_RETURN_NONE;
}

static PyObject *program_free(PyObject *self, PyObject *unused)
{
    (void)unused;
    frames_free((program *)self);
    Py_RETURN_NONE;
}

static PyMethodDef program_methods[] = {
        {"free", program_free, METH_NOARGS,
                "Free the memory that was kept for the next calls. Calls that are running keep theirs."},
        {"adopt", program_adopt, METH_VARARGS,
                "Exchange kernels: libraries, and for each step the number of a kernel in them or -1."},
        {"step_data", program_step_data, METH_O, "The data of a step, as calls have left it."},
        {"watch", program_watch, METH_VARARGS,
                "Call back once when interpreted steps have cost so many nanoseconds."},
        {"measure", program_measure, METH_NOARGS,
                "Begin to measure, or forget what was measured. Calls that are running are left out."},
        {"measured", program_measured, METH_NOARGS,
                "What was measured: (calls, seconds, outer calls, outer seconds, failed, held bytes), and "
                "the "
                "bytes of\nsteps' (seconds, runs), the latest call's (start, seconds, runs), shapes and "
                "strides "
                "after it; None: nothing."},
        {NULL, NULL, 0, NULL}};

static PyMemberDef program_members[] = {
        {"__vectorcalloffset__", T_PYSSIZET, offsetof(program, vectorcall), READONLY, NULL},
        {"__weaklistoffset__", T_PYSSIZET, offsetof(program, weakrefs), READONLY, NULL},
        {"interpreted", T_DOUBLE, offsetof(program, spent), READONLY,
                "nanoseconds that native code would have saved so far, as estimated"},
        {"n_inputs", T_PYSSIZET, offsetof(program, n_inputs), READONLY, "number of values a call takes"},
        {"n_steps", T_PYSSIZET, offsetof(program, n_steps), READONLY,
                "number of steps, those of inner blocks included"},
        {"n_buffers", T_PYSSIZET, offsetof(program, n_buffers), READONLY,
                "number of buffers kept between calls"},
        {NULL, 0, 0, 0, NULL}};

static PyType_Slot program_slots[] = {
        {Py_tp_doc, "A lowered graph; call it with the values of all its inputs."}, {Py_tp_new, program_new},
        {Py_tp_call, PyVectorcall_Call}, {Py_tp_dealloc, program_dealloc}, {Py_tp_traverse, program_traverse},
        {Py_tp_clear, program_clear}, {Py_tp_members, program_members}, {Py_tp_methods, program_methods},
        {0, NULL}};

static PyType_Spec program_spec = {"pytensor.link.c.Program", sizeof(program), 0,
        Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_IMMUTABLETYPE,
        program_slots};

#include "driver_caller.h"

static void close_library(void *handle)
{
    if (!handle)
        return;
#ifdef _WIN32
    FreeLibrary((HMODULE)handle);
#else
    dlclose(handle);
#endif
}

static void library_close(PyObject *capsule)
{
    void **opened = PyCapsule_GetPointer(capsule, LIBRARY);
    close_library(opened[0]);
    PyMem_Free(opened);
}

/* Handle, kernels and their number; NULL for what is not there. -1 if the path is none. */
static int open_library(PyObject *path, void **opened)
{
#ifdef _WIN32
    PyObject *text;
    if (!PyUnicode_FSDecoder(path, &text))
        return -1;
    wchar_t *wide = PyUnicode_AsWideCharString(text, NULL);
    Py_DECREF(text);
    if (!wide)
        return -1;
    opened[0] = (void *)LoadLibraryW(wide);
    PyMem_Free(wide);
    if (opened[0]) {
        opened[1] = (void *)GetProcAddress((HMODULE)opened[0], "pt_kernels");
        opened[2] = (void *)GetProcAddress((HMODULE)opened[0], "pt_kernel_count");
    }
#else
    PyObject *encoded;
    if (!PyUnicode_FSConverter(path, &encoded))
        return -1;
    opened[0] = dlopen(PyBytes_AS_STRING(encoded), RTLD_NOW | RTLD_LOCAL);
    Py_DECREF(encoded);
    if (opened[0]) {
        opened[1] = dlsym(opened[0], "pt_kernels");
        opened[2] = dlsym(opened[0], "pt_kernel_count");
    }
#endif
    return 0;
}

static PyObject *load(PyObject *module, PyObject *path)
{
    (void)module;
    void **opened = PyMem_Calloc(3, sizeof(void *));
    if (!opened)
        return PyErr_NoMemory();
    if (open_library(path, opened))
        goto fail;
    if (!opened[1] || !opened[2]) {
#ifdef _WIN32
        const char *reason = opened[0] ? NULL : "the library did not load";
#else
        const char *reason = dlerror();
#endif
        PyErr_Format(PyExc_OSError, "cannot load %R: %s", path, reason ? reason : "no kernels in it");
        goto fail;
    }
    PyObject *capsule = PyCapsule_New(opened, LIBRARY, library_close);
    if (capsule)
        return capsule;
fail:
    close_library(opened[0]);
    PyMem_Free(opened);
    return NULL;
}

static int add_type(PyObject *module, const char *name, PyType_Spec *spec)
{
    PyObject *type = PyType_FromModuleAndSpec(module, spec, NULL);
    int status = type ? PyModule_AddObjectRef(module, name, type) : -1;
    Py_XDECREF(type);
    return status;
}

static int driver_exec(PyObject *module)
{
    import_array1(-1);
    sort_start();
    if (pool_handler == NULL && pool_start())
        return -1;
    if (!linalg_error) {
        PyObject *numpy = PyImport_ImportModule("numpy.linalg");
        linalg_error = numpy ? PyObject_GetAttrString(numpy, "LinAlgError") : NULL;
        Py_XDECREF(numpy);
        if (!linalg_error)
            return -1;
    }
    if (!name_of_acquire) {
        name_of_acquire = PyUnicode_InternFromString("acquire");
        name_of_release = PyUnicode_InternFromString("release");
        if (!name_of_acquire || !name_of_release)
            return -1;
#ifndef _WIN32
        pthread_atfork(NULL, NULL, shared_after_fork);
#endif
    }
    return add_type(module, "Program", &program_spec) || add_type(module, "Caller", &caller_spec) ? -1 : 0;
}

static PyMethodDef driver_methods[] = {
        {"load", load, METH_O, "Open a compiled unit; the result keeps it open."}, {NULL, NULL, 0, NULL}};

static PyModuleDef_Slot driver_slots[] = {{Py_mod_exec, (void *)driver_exec},
#if PY_VERSION_HEX >= 0x030C0000
        {Py_mod_multiple_interpreters, Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED},
#endif
#ifdef Py_GIL_DISABLED
        {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
        {0, NULL}};

static PyModuleDef driver_module = {PyModuleDef_HEAD_INIT, "_driver", "Runs lowered graphs.", 0,
        driver_methods, driver_slots, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__driver(void)
{
    return PyModuleDef_Init(&driver_module);
}
