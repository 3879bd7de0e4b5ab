/* The whole call of a function: arguments by position are checked, shared values read, the program run,
   updates stored. Every other kind of call goes to `slow(args, named)`. Part of driver.c. */
#ifndef PYTENSOR_DRIVER_CALLER_H
#define PYTENSOR_DRIVER_CALLER_H

#include "driver_shared.h"

#define MANY_INPUTS 24

static PyObject *caller_slow(caller *c, PyObject *const *values, Py_ssize_t n, PyObject *names)
{
    PyObject *args = PyTuple_New(n), *named = PyDict_New(), *result = NULL;
    if (!args || !named)
        goto done;
    for (Py_ssize_t i = 0; i < n; i++)
        PyTuple_SET_ITEM(args, i, Py_NewRef(values[i]));
    for (Py_ssize_t i = 0; names && i < PyTuple_GET_SIZE(names); i++)
        if (PyDict_SetItem(named, PyTuple_GET_ITEM(names, i), values[n + i]))
            goto done;
    result = PyObject_CallFunctionObjArgs(c->slow, args, named, NULL);
done:
    Py_XDECREF(args);
    Py_XDECREF(named);
    return result;
}

/* A new reference to the value of argument i. `expected` is its static shape. */
static inline PyObject *caller_argument(caller *c, Py_ssize_t i, PyObject *given, const int64_t *expected)
{
    const slot_info *info = &c->prog->slots[i];
    PyObject *filter = PyTuple_GET_ITEM(c->filters, i);
    if (filter == Py_None || (info->type_num >= 0 && is_behaved(given, info) &&
                                     fits_static_shape(expected, (PyArrayObject *)given, info->ndim)))
        return Py_NewRef(given);
    return PyObject_CallOneArg(filter, given);
}

/* Fill in the arguments; the shared values come later, all at once. */
static inline int take_arguments(caller *c, PyObject *const *given, PyObject **values)
{
    program *p = c->prog;
    Py_ssize_t used = 0;
    const int64_t *expected = p->static_shape;
    int failed = 0;
    for (Py_ssize_t i = 0; i < p->n_inputs; i++) {
        values[i] = NULL;
        if (PyTuple_GET_ITEM(c->cells, i) == Py_None && PT_LIKELY(!failed))
            failed = !(values[i] = caller_argument(c, i, given[used++], expected));
        if (p->slots[i].type_num >= 0)
            expected += p->slots[i].ndim;
    }
    return failed ? -1 : 0;
}

/* Run, store the updates, and give what the caller of the function sees. The locks are held. */
static PyObject *run_and_store(caller *c, PyObject **values, PyObject **outputs)
{
    PyObject *result = NULL;
    *outputs = program_run(c->prog, values, 0);
    if (*outputs)
        result = c->unpack ? Py_NewRef(PyList_GET_ITEM(*outputs, 0))
                           : PyList_GetSlice(*outputs, 0, c->n_returned);
    if (result && store_updates(c, *outputs))
        Py_CLEAR(result);
    return result;
}

/* A call with updates: from reading shared values to storing updates, the locks of all that is updated are
   held. They are taken in the same order by everybody. */
static PyObject *caller_locked(caller *c, PyObject **values)
{
    PyObject *result = NULL, *outputs = NULL;
    Py_ssize_t taken = 0, n = PyTuple_GET_SIZE(c->locks);
    uint64_t claimed = 0;
    while (taken < n && lock_call(PyTuple_GET_ITEM(c->locks, taken), 0) == 0)
        taken++;
    if (taken == n && read_shared(c, values) == 0 && claim_shared(c, values, &claimed) == 0)
        result = run_and_store(c, values, &outputs);
    release_claims(c, claimed);
    while (taken > 0)
        unlock(PyTuple_GET_ITEM(c->locks, --taken));
    Py_XDECREF(outputs);
    return result;
}

static PyObject *caller_vectorcall(PyObject *self, PyObject *const *given, size_t flags, PyObject *names)
{
    caller *c = (caller *)self;
    program *p = c->prog;
    Py_ssize_t n = PyVectorcall_NARGS(flags);
    PyObject *few[MANY_INPUTS], **values = few, *result = NULL;
    double began = p && PT_UNLIKELY(p->measured != NULL) ? clock_seconds() : 0.0;
    if (PT_UNLIKELY(!c->slow || !p || !p->filters)) {
        PyErr_SetString(PyExc_RuntimeError, "[Caller] the function was taken apart");
        return NULL;
    }
    if (PT_UNLIKELY(n != c->n_arguments || (names && PyTuple_GET_SIZE(names))))
        return caller_slow(c, given, n, names);
    if (p->n_inputs > MANY_INPUTS && !(values = PyMem_New(PyObject *, p->n_inputs)))
        return PyErr_NoMemory();
    if (PT_LIKELY(take_arguments(c, given, values) == 0)) {
        if (PyTuple_GET_SIZE(c->locks))
            result = caller_locked(c, values);
        else if (!c->n_shared || read_shared(c, values) == 0)
            result = program_run(p, values, c->unpack);
    }
    for (Py_ssize_t i = 0; i < p->n_inputs; i++)
        Py_XDECREF(values[i]);
    if (values != few)
        PyMem_Free(values);
    if (PT_UNLIKELY(began != 0.0)) {
        POOL_LOCK(p);
        p->measured->outer_calls += 1.0;
        p->measured->outer_seconds += clock_seconds() - began;
        POOL_UNLOCK(p);
    }
    return result;
}

/* Sort the inputs by what happens to them. */
static int caller_plan(caller *c, const char *fragile)
{
    program *p = c->prog;
    if (!(c->shared = PyMem_New(int32_t, 3 * p->n_inputs + 1))) {
        PyErr_NoMemory();
        return -1;
    }
    c->inplace = c->shared + p->n_inputs;
    c->copied = c->inplace + p->n_inputs;
    for (Py_ssize_t i = 0; i < p->n_inputs; i++) {
        if (PyTuple_GET_ITEM(c->cells, i) == Py_None) {
            c->n_arguments++;
            continue;
        }
        PyObject *flag = PyTuple_GET_ITEM(c->writing, i);
        if (!PyByteArray_CheckExact(flag) || PyByteArray_GET_SIZE(flag) != 1) {
            PyErr_SetString(PyExc_ValueError, "[Caller] writing must have a flag for each shared value");
            return -1;
        }
        c->shared[c->n_shared++] = (int32_t)i;
        if (fragile[i])
            c->copied[c->n_copied++] = (int32_t)i;
        else if (p->slots[i].flags & SLOT_DESTROYED)
            c->inplace[c->n_inplace++] = (int32_t)i;
    }
    return 0;
}

static PyObject *caller_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    static char *names[] = {"program", "cells", "writing", "waits", "filters", "updates", "locks", "slow",
            "duplicate", "fragile", "unpack", NULL};
    PyObject *prog, *cells, *writing, *waits, *filters, *updates, *locks, *slow, *duplicate, *fragile;
    int unpack;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "OO!O!O!O!O!O!OOSp", names, &prog, &PyTuple_Type, &cells,
                &PyTuple_Type, &writing, &PyTuple_Type, &waits, &PyTuple_Type, &filters, &PyTuple_Type,
                &updates, &PyTuple_Type, &locks, &slow, &duplicate, &fragile, &unpack))
        return NULL;
    if (Py_TYPE(prog)->tp_new != program_new)
        return PyErr_Format(PyExc_TypeError, "[Caller] program must be a Program");
    const Py_ssize_t n = ((program *)prog)->n_inputs;
    if (PyTuple_GET_SIZE(cells) != n || PyTuple_GET_SIZE(writing) != n || PyTuple_GET_SIZE(waits) != n ||
            PyTuple_GET_SIZE(filters) != n || PyBytes_GET_SIZE(fragile) != n ||
            ((program *)prog)->n_outputs < PyTuple_GET_SIZE(updates) + (unpack ? 1 : 0) ||
            (PyTuple_GET_SIZE(updates) && !PyTuple_GET_SIZE(locks)))
        return PyErr_Format(
                PyExc_ValueError, "[Caller] cells, filters, locks must match the inputs of a program");
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(updates); i++)
        if (!is_cell(PyTuple_GET_ITEM(updates, i)))
            return NULL;
    caller *c = (caller *)type->tp_alloc(type, 0);
    if (!c)
        return NULL;
    c->vectorcall = caller_vectorcall;
    c->prog = (program *)Py_NewRef(prog);
    c->cells = Py_NewRef(cells);
    c->writing = Py_NewRef(writing);
    c->waits = Py_NewRef(waits);
    c->filters = Py_NewRef(filters);
    c->updates = Py_NewRef(updates);
    c->locks = Py_NewRef(locks);
    c->slow = Py_NewRef(slow);
    c->duplicate = Py_NewRef(duplicate);
    c->unpack = unpack;
    c->n_returned = ((program *)prog)->n_outputs - PyTuple_GET_SIZE(updates);
    if (caller_plan(c, PyBytes_AS_STRING(fragile)))
        Py_CLEAR(c);
    return (PyObject *)c;
}

static int caller_traverse(PyObject *self, visitproc visit, void *arg)
{
    caller *c = (caller *)self;
    Py_VISIT(Py_TYPE(self));
    Py_VISIT((PyObject *)c->prog);
    Py_VISIT(c->cells);
    Py_VISIT(c->waits);
    Py_VISIT(c->filters);
    Py_VISIT(c->updates);
    Py_VISIT(c->locks);
    Py_VISIT(c->slow);
    return 0;
}

static int caller_clear(PyObject *self)
{
    caller *c = (caller *)self;
    Py_CLEAR(c->slow);
    Py_CLEAR(c->prog);
    Py_CLEAR(c->cells);
    Py_CLEAR(c->writing);
    Py_CLEAR(c->waits);
    Py_CLEAR(c->filters);
    Py_CLEAR(c->updates);
    Py_CLEAR(c->locks);
    Py_CLEAR(c->duplicate);
    return 0;
}

static void caller_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    if (((caller *)self)->weakrefs)
        PyObject_ClearWeakRefs(self);
    caller_clear(self);
    PyMem_Free(((caller *)self)->shared);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyMemberDef caller_members[] = {
        {"__vectorcalloffset__", T_PYSSIZET, offsetof(caller, vectorcall), READONLY, NULL},
        {"__weaklistoffset__", T_PYSSIZET, offsetof(caller, weakrefs), READONLY, NULL},
        {NULL, 0, 0, 0, NULL}};

static PyType_Slot caller_slots[] = {
        {Py_tp_doc, "Calls a program with arguments by position and shared values."}, {Py_tp_new, caller_new},
        {Py_tp_call, PyVectorcall_Call}, {Py_tp_dealloc, caller_dealloc}, {Py_tp_traverse, caller_traverse},
        {Py_tp_clear, caller_clear}, {Py_tp_members, caller_members}, {0, NULL}};

static PyType_Spec caller_spec = {"pytensor.link.c.Caller", sizeof(caller), 0,
        Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_IMMUTABLETYPE,
        caller_slots};

#endif
