/* Sorting, with the functions NumPy itself sorts with: their choice of instructions, their order of equal
   elements. Part of driver.c. */
#ifndef PT_DRIVER_SORT_H
#define PT_DRIVER_SORT_H

#include "pytensor.h"

#define SORT_TYPES (NPY_HALF + 1)

static PyArray_SortFunc *sort_values[SORT_TYPES][NPY_NSORTS];
static PyArray_ArgSortFunc *sort_positions[SORT_TYPES][NPY_NSORTS];

/* Looked up once: kernels ask without the GIL. */
static void sort_start(void)
{
    for (int type = 0; type < SORT_TYPES; type++) {
        if (!PyTypeNum_ISNUMBER(type) && type != NPY_BOOL)
            continue;
        PyArray_Descr *descr = PyArray_DescrFromType(type);
        const PyArray_ArrFuncs *functions = descr ? PyDataType_GetArrFuncs(descr) : NULL;
        for (int kind = 0; functions && kind < NPY_NSORTS; kind++) {
            const int used = functions->sort[kind] && functions->argsort[kind] ? kind : NPY_STABLESORT;
            sort_values[type][kind] = functions->sort[used];
            sort_positions[type][kind] = functions->argsort[used];
        }
        Py_XDECREF(descr);
    }
}

static int service_sort(pt_ctx *ctx, int type, int kind, void *data, int64_t *order, int64_t n)
{
    int failed;
    if (order) {
        PyArray_ArgSortFunc *sort = sort_positions[type][kind];
        if (!sort)
            return pt_fail(ctx, PT_NOT_IMPLEMENTED, "[argsort] NumPy does not sort type number %d", type);
        for (int64_t i = 0; i < n; i++)
            order[i] = i;
        failed = sort(data, (npy_intp *)order, (npy_intp)n, NULL);
    } else {
        PyArray_SortFunc *sort = sort_values[type][kind];
        if (!sort)
            return pt_fail(ctx, PT_NOT_IMPLEMENTED, "[sort] NumPy does not sort type number %d", type);
        failed = sort(data, (npy_intp)n, NULL);
    }
    return failed < 0 ? pt_fail(ctx, PT_MEMORY, "[sort] no memory to sort %lld elements", (long long)n)
                      : PT_OK;
}

#endif
