"""Evaluating a scalar Op over whole arrays with NumPy.

A scalar Op names its NumPy or SciPy function (`nfunc_spec`). Where that function would give
another dtype, or there is none, the scalar Op evaluates itself. A `Composite` is evaluated node by
node on arrays.
"""

from __future__ import annotations

import functools

import numpy as np

import pytensor.scalar.basic as ps
from pytensor.tensor.utils import import_func_from_string


@functools.lru_cache(maxsize=1024)
def find_function(name: str):
    """Return the function that an `nfunc_spec` names: in NumPy, or by a dotted path."""
    func = getattr(np, name, None) if "." not in name else None
    return import_func_from_string(name) if func is None else func


def array_function(scalar_op, in_dtypes: tuple[str, ...], out_dtypes: tuple[str, ...]):
    """Return ``f(*arrays) -> list of arrays`` that evaluates `scalar_op`.

    The arrays must broadcast together. Results have `out_dtypes`. `f` has an attribute ``ufunc``:
    the ufunc it is, if it is exactly one call of a ufunc whose own result dtype is right.
    """
    if isinstance(scalar_op, ps.Composite):
        return _composite_function(scalar_op, out_dtypes)
    ufunc = _exact_ufunc(scalar_op, in_dtypes, out_dtypes)
    if ufunc is not None:
        return _ufunc_function(ufunc)
    return _evaluate_function(scalar_op, in_dtypes, out_dtypes)


def _exact_ufunc(scalar_op, in_dtypes, out_dtypes):
    """The op's ufunc, if its result for these inputs already has the dtype of the graph."""
    spec = scalar_op.nfunc_spec
    if spec is None or spec[1:] != (len(in_dtypes), 1) or len(out_dtypes) != 1:
        return None
    func = find_function(spec[0])
    # Half precision is left to the scalar op, which may compute in single precision.
    if not isinstance(func, np.ufunc) or "float16" in in_dtypes:
        return None
    try:
        natural = func.resolve_dtypes((*map(np.dtype, in_dtypes), None))[-1]
    except TypeError:
        return None
    return func if natural == np.dtype(out_dtypes[0]) else None


def _ufunc_function(func):
    def call(*args):
        with np.errstate(all="ignore"):
            return [np.asarray(func(*args))]

    call.ufunc = func
    return call


def _evaluate_function(scalar_op, in_dtypes, out_dtypes):
    """The scalar op's own evaluation, which casts operands and results as it declares."""

    def call(*args):
        shape = np.broadcast_shapes(*[np.shape(a) for a in args])
        results = scalar_op.evaluate(args, in_dtypes, out_dtypes)
        return [
            r if r.shape == shape else np.array(np.broadcast_to(r, shape))
            for r in map(np.asarray, results)
        ]

    call.ufunc = None
    return call


def _as_dtype(x, dtype):
    x = np.asarray(x)
    return x if x.dtype == dtype else x.astype(dtype)


def _composite_function(composite, out_dtypes):
    """Evaluate the nodes of a Composite one by one on whole arrays."""
    fgraph = composite.fgraph
    slots: dict = {var: i for i, var in enumerate(fgraph.inputs)}
    constants: list[tuple[int, np.ndarray]] = []
    steps = []

    def slot(var):
        if var not in slots:
            slots[var] = len(slots)
            if var.owner is None:
                constants.append((slots[var], np.asarray(var.data, dtype=var.type.dtype)))
        return slots[var]

    for node in fgraph.toposort():
        func = array_function(
            node.op,
            tuple(v.type.dtype for v in node.inputs),
            tuple(v.type.dtype for v in node.outputs),
        )
        ins = [slot(v) for v in node.inputs]
        steps.append((func, ins, [slot(v) for v in node.outputs]))
    outs = [slot(v) for v in fgraph.outputs]
    n_slots, targets = len(slots), [np.dtype(d) for d in out_dtypes]

    def call(*args):
        values = [None] * n_slots
        values[: len(args)] = args
        for i, data in constants:
            values[i] = data
        for func, ins, results in steps:
            for i, value in zip(results, func(*[values[i] for i in ins]), strict=True):
                values[i] = value
        shape = np.broadcast_shapes(*(a.shape for a in args))
        # An output that does not depend on every input still has the common shape.
        return [
            np.array(np.broadcast_to(_as_dtype(values[i], t), shape))
            if values[i].shape != shape or i < len(args)
            else _as_dtype(values[i], t)
            for i, t in zip(outs, targets, strict=True)
        ]

    call.ufunc = None
    return call
