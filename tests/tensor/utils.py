"""Evaluating small graphs in tests by `Op.perform` alone, without rewriting or a backend."""

import numpy as np

from pytensor.graph.basic import Constant
from pytensor.graph.traversal import toposort


def evaluate(outputs, givens=None):
    """Return the values of `outputs` for given values of variables.

    Checks on the way that no Op modifies its inputs (unless declared), and that every value is a
    value of its variable's type.
    """
    single = not isinstance(outputs, list | tuple)
    outputs = [outputs] if single else list(outputs)
    values = {var: var.type.filter(_value(val)) for var, val in (givens or {}).items()}
    for node in toposort(outputs, blockers=list(values)):
        args = [_lookup(i, values) for i in node.inputs]
        before = [a.copy() if isinstance(a, np.ndarray) else a for a in args]
        storage = [[None] for _ in node.outputs]
        node.op.perform(node, args, storage)
        destroyed = {i for ins in getattr(node.op, "destroy_map", {}).values() for i in ins}
        for i, (a, b) in enumerate(zip(args, before, strict=True)):
            if isinstance(a, np.ndarray) and i not in destroyed:
                np.testing.assert_array_equal(a, b, err_msg=f"{node.op} modified input {i}")
        for out, [value] in zip(node.outputs, storage, strict=True):
            if isinstance(value, np.ndarray) or hasattr(out.type, "shape"):
                out.type.filter(value, strict=True)
            values[out] = value
    results = [_lookup(o, values) for o in outputs]
    return results[0] if single else results


def _lookup(var, values):
    if var in values:
        return values[var]
    if isinstance(var, Constant):
        return var.data
    container = getattr(var, "container", None)
    if container is not None:
        return container.storage[0]
    raise KeyError(f"no value for {var}")


def _value(val):
    return np.asarray(val) if isinstance(val, int | float | list | tuple) else val


def check_infer_shape(outputs, givens):
    """Check that each Op's `infer_shape`, used through the graph, agrees with the values.

    Only the Ops that own `outputs` are asked; shapes of their inputs are read from the values.
    """
    outputs = [outputs] if not isinstance(outputs, list | tuple) else list(outputs)
    for out in outputs:
        node = out.owner
        shapes = [
            tuple(i.shape[d] for d in range(i.type.ndim)) if hasattr(i.type, "ndim") else None
            for i in node.inputs
        ]
        [*inferred] = node.op.infer_shape(None, node, shapes)
        symbolic = inferred[out.index]
        value = evaluate(out, givens)
        got = tuple(int(n if isinstance(n, int) else evaluate(n, givens)) for n in symbolic)
        assert got == value.shape, (node.op, got, value.shape)
