/* One call of a program: inputs in, steps, outputs out. Part of driver.c. */
#ifndef PYTENSOR_DRIVER_RUN_H
#define PYTENSOR_DRIVER_RUN_H

#include "driver_frame.h"
#include "driver_memory.h"

/* So many times the limit make one call long. */
#define LONG_CALL 20.0

static PyObject *new_array(const slot_info *info, pt_array *z, int64_t bytes, int ordered)
{
    npy_intp *strides = ordered ? (npy_intp *)z->strides : NULL;
    if (bytes >= POOLED_BYTES)
        return new_pooled_array(info->type_num, info->ndim, z->shape, strides);
    return PyArray_New(
            &PyArray_Type, info->ndim, (npy_intp *)z->shape, info->type_num, strides, NULL, 0, 0, NULL);
}

static inline int is_behaved(PyObject *value, const slot_info *info)
{
    if (!PyArray_CheckExact(value))
        return 0;
    PyArrayObject *array = (PyArrayObject *)value;
    return PyArray_DESCR(array)->type_num == info->type_num && PyArray_NDIM(array) == info->ndim &&
           PyArray_ISBEHAVED_RO(array);
}

static inline void slot_from_array(frame *f, Py_ssize_t at, PyArrayObject *array)
{
    pt_array *x = &f->slot[at];
    int ndim = f->prog->slots[at].ndim;
    x->data = PyArray_BYTES(array);
    for (int k = 0; k < ndim; k++) {
        x->shape[k] = PyArray_DIM(array, k);
        x->strides[k] = PyArray_STRIDE(array, k);
    }
}

/* A plain, aligned, native array of the planned dtype and rank; steals nothing, returns a new reference. */
static PyObject *make_behaved(PyObject *value, const slot_info *info)
{
    if (is_behaved(value, info))
        return Py_NewRef(value);
    if (!PyArray_Check(value) && !PyNumber_Check(value))
        return PyErr_Format(PyExc_TypeError, "expected an array of %d dimensions, got %s", (int)info->ndim,
                Py_TYPE(value)->tp_name);
    PyArray_Descr *descr = PyArray_DescrFromType(info->type_num);
    if (PyArray_Check(value) &&
            !PyArray_EquivTypenums(PyArray_TYPE((PyArrayObject *)value), info->type_num)) {
        PyErr_Format(PyExc_TypeError, "expected an array of dtype %S, got %S", descr,
                PyArray_DESCR((PyArrayObject *)value));
        Py_DECREF(descr);
        return NULL;
    }
    PyObject *array = PyArray_FromAny(
            value, descr, 0, 0, NPY_ARRAY_ALIGNED | NPY_ARRAY_NOTSWAPPED | NPY_ARRAY_ENSUREARRAY, NULL);
    if (array && PyArray_NDIM((PyArrayObject *)array) != info->ndim) {
        PyErr_Format(PyExc_TypeError, "expected an array of %d dimensions, got %d", (int)info->ndim,
                PyArray_NDIM((PyArrayObject *)array));
        Py_CLEAR(array);
    }
    return array;
}

/* Lowest and one past the highest address of an array. */
static void extent(const pt_array *x, const slot_info *info, const char **low, const char **high)
{
    *low = x->data;
    *high = x->data + info->itemsize;
    for (int k = 0; k < info->ndim; k++) {
        if (x->shape[k] == 0) {
            *high = *low;
            return;
        }
        int64_t reach = (x->shape[k] - 1) * x->strides[k];
        if (reach < 0)
            *low += reach;
        else
            *high += reach;
    }
}

/* An input that will be overwritten must be writeable, free of internal overlap, and nobody else's memory. */
static int may_be_destroyed(frame *f, Py_ssize_t at)
{
    program *p = f->prog;
    if (!PyArray_ISWRITEABLE((PyArrayObject *)f->object[at]))
        return 0;
    const char *low, *high, *other_low, *other_high;
    extent(&f->slot[at], &p->slots[at], &low, &high);
    if (high - low < pt_size(&f->slot[at], p->slots[at].ndim) * p->slots[at].itemsize)
        return 0;
    for (Py_ssize_t i = 0; i < p->n_inputs; i++) {
        if (i == at || p->slots[i].type_num < 0)
            continue;
        extent(&f->slot[i], &p->slots[i], &other_low, &other_high);
        if (low < other_high && other_low < high)
            return 0;
    }
    return 1;
}

static int protect_destroyed(frame *f)
{
    program *p = f->prog;
    for (Py_ssize_t i = 0; i < p->n_inputs; i++) {
        if (!(p->slots[i].flags & SLOT_DESTROYED) || p->slots[i].type_num < 0 || may_be_destroyed(f, i))
            continue;
        PyObject *copy = PyArray_NewCopy((PyArrayObject *)f->object[i], NPY_KEEPORDER);
        if (!copy)
            return -1;
        Py_SETREF(f->object[i], copy);
        slot_from_array(f, i, (PyArrayObject *)copy);
    }
    return 0;
}

static inline int fits_static_shape(const int64_t *expected, PyArrayObject *array, int ndim)
{
    for (int k = 0; k < ndim; k++)
        if (expected[k] >= 0 && expected[k] != PyArray_DIM(array, k))
            return 0;
    return 1;
}

/* The slow way of an input: the type's filter converts or refuses, then the layout is made plain. */
static PyObject *convert_input(program *p, Py_ssize_t i, PyObject *value)
{
    PyObject *filter = PyTuple_GET_ITEM(p->filters, i);
    if (filter == Py_None)
        return p->slots[i].type_num < 0 ? Py_NewRef(value) : make_behaved(value, &p->slots[i]);
    PyObject *filtered = PyObject_CallOneArg(filter, value);
    if (!filtered || p->slots[i].type_num < 0)
        return filtered;
    PyObject *array = make_behaved(filtered, &p->slots[i]);
    Py_DECREF(filtered);
    return array;
}

static int take_inputs(frame *f, PyObject *const *values)
{
    program *p = f->prog;
    const int64_t *expected = p->static_shape;
    for (Py_ssize_t i = 0; i < p->n_inputs; i++) {
        const slot_info *info = &p->slots[i];
        PyObject *value = values[i];
        if (info->type_num < 0) {
            f->object[i] = Py_NewRef(value);
            continue;
        }
        if (PT_LIKELY(is_behaved(value, info) &&
                      fits_static_shape(expected, (PyArrayObject *)value, info->ndim)))
            f->object[i] = Py_NewRef(value);
        else if (!(f->object[i] = convert_input(p, i, value)))
            return -1;
        expected += info->ndim;
        slot_from_array(f, i, (PyArrayObject *)f->object[i]);
    }
    return p->destroys ? protect_destroyed(f) : 0;
}

static int is_whole(const pt_array *x, const slot_info *info, PyArrayObject *array)
{
    if (x->data != PyArray_BYTES(array) || info->ndim != PyArray_NDIM(array) ||
            info->type_num != PyArray_DESCR(array)->type_num)
        return 0;
    for (int k = 0; k < info->ndim; k++)
        if (x->shape[k] != PyArray_DIM(array, k) || x->strides[k] != PyArray_STRIDE(array, k))
            return 0;
    return 1;
}

/* A copy of a value whose memory Python must not see. */
static PyObject *slot_copy(frame *f, Py_ssize_t at)
{
    const slot_info *info = &f->prog->slots[at];
    pt_array *x = &f->slot[at];
    PyObject *view = PyArray_New(&PyArray_Type, info->ndim, (npy_intp *)x->shape, info->type_num,
            (npy_intp *)x->strides, x->data, 0, NPY_ARRAY_ALIGNED, NULL);
    if (!view)
        return NULL;
    PyObject *copy = PyArray_NewCopy((PyArrayObject *)view, NPY_KEEPORDER);
    Py_DECREF(view);
    return copy;
}

static PyObject *slot_scalar(frame *f, Py_ssize_t at)
{
    PyArray_Descr *descr = PyArray_DescrFromType(f->prog->slots[at].type_num);
    PyObject *scalar = PyArray_Scalar(f->slot[at].data, descr, NULL);
    Py_DECREF(descr);
    return scalar;
}

/* The slot that owns the memory of a value, or -1: then it is in the frame. */
static Py_ssize_t slot_owner(frame *f, Py_ssize_t at)
{
    const slot_info *slots = f->prog->slots;
    for (;; at = slots[at].parent) {
        int root = slots[at].parent == at;
        PyObject *object = f->object[at];
        /* What is declared a view may have been copied in an earlier round of its block. */
        if (object && (root || PyArray_BYTES((PyArrayObject *)object) == f->slot[at].data))
            return at;
        if (root)
            return -1;
    }
}

/* The value of a slot as a Python object: what it owns, or a view whose base owns the memory. */
static PyObject *slot_object(frame *f, Py_ssize_t at, int lazy)
{
    program *p = f->prog;
    const slot_info *info = &p->slots[at];
    if (info->flags & SLOT_SCALAR)
        return f->slot[at].data ? slot_scalar(f, at) : Py_NewRef(Py_None);
    Py_ssize_t owner = slot_owner(f, at);
    if (owner == at)
        return Py_NewRef(f->object[at]);
    if (owner < 0) {
        Py_ssize_t root = at;
        while (p->slots[root].parent != root)
            root = p->slots[root].parent;
        if (p->slots[root].flags & SLOT_LOAN)
            return slot_copy(f, at);
        /* The branch not taken was not computed. */
        if (lazy)
            Py_RETURN_NONE;
        return PyErr_Format(PyExc_RuntimeError, "[C backend] value %zd has no owner", at);
    }
    pt_array *x = &f->slot[at];
    PyArrayObject *base = (PyArrayObject *)f->object[owner];
    if (is_whole(x, info, base))
        return Py_NewRef((PyObject *)base);
    int flags = PyArray_ISWRITEABLE(base) ? NPY_ARRAY_WRITEABLE : 0;
    PyObject *view = PyArray_New(&PyArray_Type, info->ndim, (npy_intp *)x->shape, info->type_num,
            (npy_intp *)x->strides, x->data, 0, flags, NULL);
    if (!view)
        return NULL;
    PyArray_UpdateFlags(
            (PyArrayObject *)view, NPY_ARRAY_C_CONTIGUOUS | NPY_ARRAY_F_CONTIGUOUS | NPY_ARRAY_ALIGNED);
    if (PyArray_SetBaseObject((PyArrayObject *)view, Py_NewRef((PyObject *)base)) < 0)
        Py_CLEAR(view);
    return view;
}

static int store_results(frame *f, const step_info *step, PyObject *result)
{
    program *p = f->prog;
    const int32_t *out = p->args + step->args + step->n_in;
    if (!PyTuple_CheckExact(result) || PyTuple_GET_SIZE(result) != step->n_out) {
        PyErr_SetString(PyExc_RuntimeError, "[C backend] a Python step must return a tuple of its outputs");
        return PT_PYTHON;
    }
    for (int k = 0; k < step->n_out; k++) {
        PyObject *value = PyTuple_GET_ITEM(result, k);
        const slot_info *info = &p->slots[out[k]];
        value = info->type_num < 0 ? Py_NewRef(value) : make_behaved(value, info);
        if (!value)
            return PT_PYTHON;
        Py_XSETREF(f->object[out[k]], value);
        if (info->type_num >= 0)
            slot_from_array(f, out[k], (PyArrayObject *)value);
    }
    return PT_OK;
}

static int run_python(frame *f, const step_info *step)
{
    program *p = f->prog;
    PyObject *few[8], **values = few;
    int status = PT_PYTHON, n = 0;
    hold_gil(f);
    if (step->n_in > 8 && !(values = PyMem_New(PyObject *, step->n_in))) {
        PyErr_NoMemory();
        return PT_PYTHON;
    }
    for (; n < step->n_in; n++)
        if (!(values[n] = slot_object(f, p->args[step->args + n], step->kind == STEP_LAZY_PYTHON)))
            goto done;
    PyObject *result = PyObject_Vectorcall(PyTuple_GET_ITEM(p->calls, step->index), values, (size_t)n, NULL);
    if (result) {
        status = store_results(f, step, result);
        Py_DECREF(result);
    }
done:
    while (n > 0)
        Py_DECREF(values[--n]);
    if (values != few)
        PyMem_Free(values);
    return status;
}

/* Tell `say` that interpreting costs too much. What it raises is its own affair, but for an interrupt, which
   is the caller's: the signal came while it ran. Then it is told again, and PT_PYTHON returned. */
static int say_hot(program *p, PyObject *say)
{
    PyObject *done = PyObject_CallNoArgs(say);
    const int interrupted = !done && !PyErr_ExceptionMatches(PyExc_Exception);
    if (interrupted) {
        POOL_LOCK(p);
        PyObject *const hot = p->hot;
        if (!hot)
            p->hot = say;
        POOL_UNLOCK(p);
        if (!hot)
            say = NULL;
    } else if (!done)
        PyErr_WriteUnraisable(say);
    Py_XDECREF(done);
    Py_XDECREF(say);
    return interrupted ? PT_PYTHON : PT_OK;
}

/* Add up what interpreting cost; say so once when it is too much. Not in the first call, unless that is
   very long: most functions are called once or twice. Needs the GIL, and that no exception is set. */
static int note_interpreted(frame *f, int ended)
{
    program *p = f->prog;
    POOL_LOCK(p);
    p->spent += f->ctx.interpreted;
    f->ctx.interpreted = 0.0;
    int hot = p->hot && p->spent > p->limit && (p->n_calls > 0 || p->spent > LONG_CALL * p->limit);
    PyObject *say = hot ? p->hot : NULL;
    p->n_calls += ended;
    if (hot)
        p->hot = NULL;
    POOL_UNLOCK(p);
    return say ? say_hot(p, say) : PT_OK;
}

/* The same at the end of a call, which succeeds or fails as it has: an interrupt comes right behind it. */
static void note_end(frame *f)
{
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    if (note_interpreted(f, 1)) {
        if (PyErr_ExceptionMatches(PyExc_KeyboardInterrupt)) {
            PyErr_Clear();
            PyErr_SetInterrupt();
        } else
            PyErr_WriteUnraisable(NULL);
    }
    PyErr_Restore(type, value, traceback);
}

/* Between long steps: let Control-C through. */
static int look_at_signals(frame *f)
{
    hold_gil(f);
    f->ctx.work = 0.0;
    if (PyErr_CheckSignals() || (f->ctx.interpreted > 0.0 && note_interpreted(f, 0)))
        return PT_PYTHON;
    return PT_OK;
}

static int service_pause(pt_ctx *ctx)
{
    return look_at_signals((frame *)ctx);
}

static pt_kernel *service_kernel(pt_ctx *ctx)
{
    const frame *f = (const frame *)ctx;
    return step_kernel(&f->prog->steps[f->step]);
}

/* Truth of a condition: a Python object, or the one element of an array. */
static int slot_truth(frame *f, int32_t at)
{
    const slot_info *info = &f->prog->slots[at];
    if (info->type_num < 0 || !f->slot[at].data) {
        hold_gil(f);
        return f->object[at] ? PyObject_IsTrue(f->object[at]) : 1;
    }
    const char *data = f->slot[at].data;
    if (info->type_num == NPY_DOUBLE)
        return *(const double *)data != 0.0;
    if (info->type_num == NPY_FLOAT)
        return *(const float *)data != 0.0f;
    for (int k = 0; k < info->itemsize; k++)
        if (data[k])
            return 1;
    return 0;
}

static inline int run_kernel(frame *f, const step_info *step)
{
    return PT_LIKELY(step->kind == STEP_KERNEL) ? step_kernel(step)(&f->ctx, f->args + step->args, step->data)
                                                : run_python(f, step);
}

static int run_measured(frame *f, const step_info *step)
{
    double start = f->clock;
    int status = run_kernel(f, step);
    double *times = f->times + STEP_TIMES * (step - f->prog->steps);
    f->clock = clock_seconds();
    if (times[2] == 0.0)
        times[0] = start - f->began;
    times[1] += f->clock - start;
    times[2] += 1.0;
    return status;
}

/* Before a measured call. Without memory nothing is measured. */
static void begin_measuring(frame *f)
{
    size_t size = STEP_TIMES * (size_t)f->prog->n_steps * sizeof(double);
    if (!f->times && !(f->times = malloc(size + 1)))
        return;
    memset(f->times, 0, size);
    f->began = f->clock = clock_seconds();
}

/* After it; the GIL is held. */
static void end_measuring(frame *f, int failed)
{
    program *p = f->prog;
    POOL_LOCK(p);
    profile *m = p->measured;
    m->calls += 1.0;
    m->failed += failed;
    m->seconds += clock_seconds() - f->began;
    m->held = (double)f->held_bytes > m->held ? (double)f->held_bytes : m->held;
    profile_add(m, f->times, (size_t)p->n_steps, f->dims, (size_t)p->n_dims);
    POOL_UNLOCK(p);
}

static int run_block(frame *f, int64_t block)
{
    program *p = f->prog;
    const step_info *step = p->steps + p->blocks[block].start, *stop = p->steps + p->blocks[block].stop;
    /* Scratch lives until its kernel returns; that of a kernel around this block lives on. */
    const void *raw = f->scratch.raw;
    int64_t mark = f->scratch_used;
    for (; step < stop; step++) {
        f->step = (int32_t)(step - p->steps);
        if (PT_UNLIKELY(step->kind == STEP_SKIP)) {
            int truth = slot_truth(f, p->args[step->args]);
            if (truth >= 0 && truth != (step->n_out == 0))
                step = p->steps + step->index - 1;
            if (truth >= 0)
                continue;
            f->error = PT_PYTHON;
            return PT_PYTHON;
        }
        int status = PT_UNLIKELY(f->times != NULL) ? run_measured(f, step) : run_kernel(f, step);
        if (PT_UNLIKELY(status != PT_OK)) {
            f->error = status;
            return status;
        }
        if (PT_UNLIKELY(f->scratch_used != mark)) {
            if (mark == 0)
                scratch_reset(f);
            else if (f->scratch.raw == raw)
                f->scratch_used = mark;
        }
        /* Not after the last step that overwrites inputs: what is done is done, and the call ends. */
        const int done = p->destroys && block == 0 && step + 1 == stop;
        if (PT_UNLIKELY(f->ctx.work > SIGNAL_WORK) && !done && look_at_signals(f)) {
            f->error = PT_PYTHON;
            return PT_PYTHON;
        }
    }
    return PT_OK;
}

static int service_run(pt_ctx *ctx, int64_t block)
{
    frame *f = (frame *)ctx;
    int32_t outer = f->step;
    int status = run_block(f, block);
    if (status == PT_OK)
        f->step = outer;
    return status;
}

static PyObject *give_outputs(frame *f)
{
    program *p = f->prog;
    PyObject *list = PyList_New(p->n_outputs);
    for (Py_ssize_t i = 0; list && i < p->n_outputs; i++) {
        PyObject *value = slot_object(f, p->outputs[i], 0);
        if (!value)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, i, value);
    }
    return list;
}

#endif
