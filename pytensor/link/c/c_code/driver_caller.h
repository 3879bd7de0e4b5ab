/* The whole call of a function without updates: arguments by position are checked, shared values read, the program
   run. Every other kind of call goes to `slow(args, named)`. Part of driver.c. */
#ifndef PYTENSOR_DRIVER_CALLER_H
#define PYTENSOR_DRIVER_CALLER_H

#define MANY_INPUTS 24

typedef struct {
    PyObject_HEAD
    vectorcallfunc vectorcall;
    PyObject *weakrefs;
    program *prog;
    PyObject *sources; /* one per input of the program: None for an argument, else the cell [value] */
    PyObject *filters; /* one per input: converts an argument, or None to trust it */
    PyObject *slow;
    Py_ssize_t n_arguments;
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

static PyObject *caller_vectorcall(PyObject *self, PyObject *const *given, size_t flags, PyObject *names)
{
    caller *c = (caller *)self;
    program *p = c->prog;
    Py_ssize_t n = PyVectorcall_NARGS(flags), i = 0, used = 0;
    PyObject *few[MANY_INPUTS], **values = few, *result = NULL;
    if (PT_UNLIKELY(!c->slow || !p || !p->filters)) {
        PyErr_SetString(PyExc_RuntimeError, "[Caller] the function was taken apart");
        return NULL;
    }
    if (PT_UNLIKELY(n != c->n_arguments || (names && PyTuple_GET_SIZE(names))))
        return caller_slow(c, given, n, names);
    if (p->n_inputs > MANY_INPUTS && !(values = PyMem_New(PyObject *, p->n_inputs)))
        return PyErr_NoMemory();
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
    result = program_run(p, values, c->unpack);
done:
    while (i > 0)
        Py_DECREF(values[--i]);
    if (values != few)
        PyMem_Free(values);
    return result;
}

static PyObject *caller_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    static char *names[] = {"program", "sources", "filters", "slow", "unpack", NULL};
    PyObject *prog, *sources, *filters, *slow;
    int unpack;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "OO!O!Op", names, &prog, &PyTuple_Type, &sources, &PyTuple_Type,
                                     &filters, &slow, &unpack))
        return NULL;
    if (Py_TYPE(prog)->tp_new != program_new || PyTuple_GET_SIZE(sources) != ((program *)prog)->n_inputs ||
        PyTuple_GET_SIZE(filters) != ((program *)prog)->n_inputs || (unpack && ((program *)prog)->n_outputs != 1)) {
        PyErr_SetString(PyExc_ValueError, "[Caller] sources and filters must match the inputs of a program");
        return NULL;
    }
    caller *c = (caller *)type->tp_alloc(type, 0);
    if (!c)
        return NULL;
    c->vectorcall = caller_vectorcall;
    c->prog = (program *)Py_NewRef(prog);
    c->sources = Py_NewRef(sources);
    c->filters = Py_NewRef(filters);
    c->slow = Py_NewRef(slow);
    c->unpack = unpack;
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
    return 0;
}

static int caller_clear(PyObject *self)
{
    caller *c = (caller *)self;
    Py_CLEAR(c->slow);
    Py_CLEAR(c->prog);
    Py_CLEAR(c->sources);
    Py_CLEAR(c->filters);
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

static PyType_Slot caller_slots[] = {{Py_tp_doc, "Calls a program with arguments by position and shared values."},
                                     {Py_tp_new, caller_new},
                                     {Py_tp_call, PyVectorcall_Call},
                                     {Py_tp_dealloc, caller_dealloc},
                                     {Py_tp_traverse, caller_traverse},
                                     {Py_tp_clear, caller_clear},
                                     {Py_tp_members, caller_members},
                                     {0, NULL}};

static PyType_Spec caller_spec = {
    "pytensor.link.c.Caller", sizeof(caller), 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_IMMUTABLETYPE, caller_slots};

#endif
