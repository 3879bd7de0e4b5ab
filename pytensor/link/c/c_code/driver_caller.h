/* The whole call of a function: arguments by position are checked, shared values read, the program run,
   updates stored. Every other kind of call goes to `slow(args, named)`. Part of driver.c. */
#ifndef PYTENSOR_DRIVER_CALLER_H
#define PYTENSOR_DRIVER_CALLER_H

#define MANY_INPUTS 24

typedef struct {
    PyObject_HEAD vectorcallfunc vectorcall;
    PyObject *weakrefs;
    program *prog;
    PyObject *sources; /* one per input of the program: None for an argument, else the cell [value] */
    PyObject *filters; /* one per input: converts an argument, or None to trust it */
    PyObject *slow;
    PyObject *updates; /* cells for the outputs from number n_returned on */
    PyObject *lock;    /* held from reading shared values to storing updates; None without updates */
    Py_ssize_t n_arguments;
    Py_ssize_t n_returned;
    int unpack;
} caller;

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

/* A new reference to the value of input i. `expected` is its static shape. */
static inline PyObject *caller_value(caller *c, Py_ssize_t i, PyObject *given, const int64_t *expected)
{
    PyObject *source = PyTuple_GET_ITEM(c->sources, i);
    if (source != Py_None) {
        if (PT_UNLIKELY(!PyList_CheckExact(source) || PyList_GET_SIZE(source) < 1))
            return PyErr_Format(PyExc_TypeError, "[Caller] a source must be a cell [value]");
#ifdef Py_GIL_DISABLED
        return PyList_GetItemRef(source, 0);
#else
        return Py_NewRef(PyList_GET_ITEM(source, 0));
#endif
    }
    const slot_info *info = &c->prog->slots[i];
    PyObject *filter = PyTuple_GET_ITEM(c->filters, i);
    if (filter == Py_None || (info->type_num >= 0 && is_behaved(given, info) &&
                                     fits_static_shape(expected, (PyArrayObject *)given, info->ndim)))
        return Py_NewRef(given);
    return PyObject_CallOneArg(filter, given);
}

/* Run, store the updates, and give what the caller of the function sees. */
static PyObject *caller_run(caller *c, PyObject *const *values)
{
    Py_ssize_t n_updates = PyTuple_GET_SIZE(c->updates);
    if (!n_updates)
        return program_run(c->prog, values, c->unpack);
    PyObject *outputs = program_run(c->prog, values, 0);
    if (!outputs)
        return NULL;
    /* Nothing below fails: either all updates are stored or none. */
    for (Py_ssize_t i = 0; i < n_updates; i++) {
        PyObject *value = Py_NewRef(PyList_GET_ITEM(outputs, c->n_returned + i));
        PyList_SetItem(PyTuple_GET_ITEM(c->updates, i), 0, value);
    }
    PyObject *result =
            c->unpack ? Py_NewRef(PyList_GET_ITEM(outputs, 0)) : PyList_GetSlice(outputs, 0, c->n_returned);
    Py_DECREF(outputs);
    return result;
}

static int take_lock(PyObject *lock, const char *method)
{
    PyObject *done = PyObject_CallMethod(lock, method, NULL);
    Py_XDECREF(done);
    return done ? 0 : -1;
}

static PyObject *caller_values(caller *c, PyObject *const *given, PyObject **values)
{
    program *p = c->prog;
    Py_ssize_t i = 0, used = 0;
    PyObject *result = NULL;
    const int64_t *expected = p->static_shape;
    for (; i < p->n_inputs; i++) {
        int is_argument = PyTuple_GET_ITEM(c->sources, i) == Py_None;
        values[i] = caller_value(c, i, is_argument ? given[used] : NULL, expected);
        if (PT_UNLIKELY(!values[i]))
            goto done;
        used += is_argument;
        if (p->slots[i].type_num >= 0)
            expected += p->slots[i].ndim;
    }
    result = caller_run(c, values);
done:
    while (i > 0)
        Py_DECREF(values[--i]);
    return result;
}

static PyObject *caller_locked(caller *c, PyObject *const *given, PyObject **values)
{
    if (take_lock(c->lock, "acquire"))
        return NULL;
    PyObject *result = caller_values(c, given, values);
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    if (take_lock(c->lock, "release"))
        Py_CLEAR(result);
    else
        PyErr_Restore(type, value, traceback);
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
    result = c->lock == Py_None ? caller_values(c, given, values) : caller_locked(c, given, values);
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

static PyObject *caller_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    static char *names[] = {"program", "sources", "filters", "slow", "updates", "lock", "unpack", NULL};
    PyObject *prog, *sources, *filters, *slow, *updates, *lock;
    int unpack;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "OO!O!OO!Op", names, &prog, &PyTuple_Type, &sources,
                &PyTuple_Type, &filters, &slow, &PyTuple_Type, &updates, &lock, &unpack))
        return NULL;
    if (Py_TYPE(prog)->tp_new != program_new || PyTuple_GET_SIZE(sources) != ((program *)prog)->n_inputs ||
            PyTuple_GET_SIZE(filters) != ((program *)prog)->n_inputs ||
            ((program *)prog)->n_outputs < PyTuple_GET_SIZE(updates) + (unpack ? 1 : 0)) {
        PyErr_SetString(PyExc_ValueError, "[Caller] sources and filters must match the inputs of a program");
        return NULL;
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(updates); i++) {
        PyObject *cell = PyTuple_GET_ITEM(updates, i);
        if (!PyList_CheckExact(cell) || PyList_GET_SIZE(cell) != 1)
            return PyErr_Format(PyExc_ValueError, "[Caller] an update must go to a cell [value]");
    }
    caller *c = (caller *)type->tp_alloc(type, 0);
    if (!c)
        return NULL;
    c->vectorcall = caller_vectorcall;
    c->prog = (program *)Py_NewRef(prog);
    c->sources = Py_NewRef(sources);
    c->filters = Py_NewRef(filters);
    c->slow = Py_NewRef(slow);
    c->updates = Py_NewRef(updates);
    c->lock = Py_NewRef(lock);
    c->unpack = unpack;
    c->n_returned = ((program *)prog)->n_outputs - PyTuple_GET_SIZE(updates);
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(sources); i++)
        c->n_arguments += PyTuple_GET_ITEM(sources, i) == Py_None;
    return (PyObject *)c;
}

static int caller_traverse(PyObject *self, visitproc visit, void *arg)
{
    caller *c = (caller *)self;
    Py_VISIT(Py_TYPE(self));
    Py_VISIT((PyObject *)c->prog);
    Py_VISIT(c->sources);
    Py_VISIT(c->filters);
    Py_VISIT(c->slow);
    Py_VISIT(c->updates);
    Py_VISIT(c->lock);
    return 0;
}

static int caller_clear(PyObject *self)
{
    caller *c = (caller *)self;
    Py_CLEAR(c->slow);
    Py_CLEAR(c->prog);
    Py_CLEAR(c->sources);
    Py_CLEAR(c->filters);
    Py_CLEAR(c->updates);
    Py_CLEAR(c->lock);
    return 0;
}

static void caller_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    if (((caller *)self)->weakrefs)
        PyObject_ClearWeakRefs(self);
    caller_clear(self);
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
