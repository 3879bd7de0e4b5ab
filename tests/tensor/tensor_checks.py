"""Numerical checks of Ops that need no linker: values, shapes, derivatives.

Everything is computed with `Op.perform`, node by node.
"""

import numpy as np

from pytensor.gradient import grad, pushforward
from pytensor.graph.basic import Constant
from pytensor.graph.replace import vectorize_graph
from pytensor.graph.traversal import toposort


def evaluate(outputs, givens):
    """Values of `outputs` given values of the inputs, by calling `perform` in order.

    Checks on the way that every value fits the type of its variable.
    """
    single = not isinstance(outputs, list | tuple)
    outputs = [outputs] if single else list(outputs)
    values = {
        v: v.type.filter(np.asarray(x), allow_downcast=True) if hasattr(v.type, "ndim") else x
        for v, x in givens.items()
    }

    def value_of(v):
        return v.data if isinstance(v, Constant) else values[v]

    for node in toposort(outputs, blockers=list(givens)):
        storage = [[None] for _ in node.outputs]
        inputs = [value_of(i) for i in node.inputs]
        node.op.perform(node, inputs, storage)
        for out, cell in zip(node.outputs, storage, strict=True):
            values[out] = out.type.filter(cell[0], strict=True)
    results = [value_of(v) for v in outputs]
    return results[0] if single else results


def check_shapes(outputs, givens):
    """`infer_shape` of the last node agrees with the value, and so does the static shape."""
    outputs = outputs if isinstance(outputs, list | tuple) else [outputs]
    for out in outputs:
        value = evaluate(out, givens)
        for static, actual in zip(out.type.shape, value.shape, strict=True):
            assert static is None or static == actual, (out.type, value.shape)
        node = out.owner
        if node is None or not hasattr(node.op, "infer_shape"):
            continue
        input_shapes = [
            tuple(i.shape[d] for d in range(i.type.ndim))
            if getattr(i.type, "ndim", None) is not None
            else ()
            for i in node.inputs
        ]
        shapes = node.op.infer_shape(None, node, input_shapes)
        shape = shapes[node.outputs.index(out)]
        lengths = [int(evaluate(n, givens)) if hasattr(n, "type") else int(n) for n in shape]
        assert tuple(lengths) == value.shape, (node.op, lengths, value.shape)


def numeric_gradient(function, point, eps=1e-6):
    """Central differences of a scalar function of one array."""
    point = np.array(point, dtype="float64")
    result = np.zeros_like(point)
    for index in np.ndindex(*point.shape):
        for sign in (1, -1):
            moved = point.copy()
            moved[index] += sign * eps
            result[index] += sign * function(moved)
    return result / (2 * eps)


def check_gradient(build, points, rtol=1e-5, atol=1e-6, seed=0, wrt=None, forward=True):
    """Compare pullbacks, and pushforwards, of ``build(*variables)`` with finite differences."""
    from pytensor.tensor.type import TensorType

    rng = np.random.default_rng(seed)
    points = [np.asarray(p) for p in points]
    inputs = [TensorType(dtype=p.dtype.name, shape=(None,) * p.ndim)() for p in points]
    # Keep what must be known to broadcast
    inputs = [
        TensorType(dtype=p.dtype.name, shape=tuple(1 if n == 1 else None for n in p.shape))()
        for p in points
    ]
    outputs = build(*inputs)
    outputs = list(outputs) if isinstance(outputs, list | tuple) else [outputs]
    givens = dict(zip(inputs, points, strict=True))
    weights = [rng.normal(size=v.shape) for v in evaluate(outputs, givens)]
    cost = sum((o * w).sum() for o, w in zip(outputs, weights, strict=True))
    wrt = wrt if wrt is not None else [k for k, p in enumerate(points) if p.dtype.kind == "f"]
    grads = evaluate(grad(cost, [inputs[k] for k in wrt]), givens)
    for k, g in zip(wrt, grads, strict=True):

        def at(value, k=k):
            return float(evaluate(cost, givens | {inputs[k]: value}))

        expected = numeric_gradient(at, points[k])
        np.testing.assert_allclose(g, expected, rtol=rtol, atol=atol, err_msg=f"input {k}")
        assert g.dtype == points[k].dtype
    if forward:
        tangents = [rng.normal(size=points[k].shape) for k in wrt]
        variables = [TensorType(dtype="float64", shape=inputs[k].type.shape)() for k in wrt]
        results = pushforward(outputs, [inputs[k] for k in wrt], variables, use_op_pushforward=True)
        results = list(results) if isinstance(results, list | tuple) else [results]
        pushed = evaluate(results, givens | dict(zip(variables, tangents, strict=True)))
        total = sum(float((p * w).sum()) for p, w in zip(pushed, weights, strict=True))
        expected = sum(float((g * t).sum()) for g, t in zip(grads, tangents, strict=True))
        np.testing.assert_allclose(total, expected, rtol=1e-6, atol=1e-8)


def check_vectorize(build, points, batched, seed=0, rtol=1e-10):
    """Vectorize over the inputs numbered in `batched` and compare with a loop."""
    from pytensor.tensor.type import TensorType

    rng = np.random.default_rng(seed)
    points = [np.asarray(p) for p in points]
    inputs = [TensorType(dtype=p.dtype.name, shape=(None,) * p.ndim)() for p in points]
    outputs = build(*inputs)
    outputs = list(outputs) if isinstance(outputs, list | tuple) else [outputs]
    n = 3
    values, replace = list(points), {}
    for k in batched:
        p = points[k]
        stack = np.stack(
            [
                p + rng.normal(size=p.shape) * 0.1 if p.dtype.kind == "f" else np.roll(p, j)
                for j in range(n)
            ]
        ).astype(p.dtype)
        values[k] = stack
        replace[inputs[k]] = TensorType(dtype=p.dtype.name, shape=(None,) * stack.ndim)()
    batch_outputs = vectorize_graph(outputs, replace)
    variables = [replace.get(v, v) for v in inputs]
    results = evaluate(batch_outputs, dict(zip(variables, values, strict=True)))
    for j in range(n):
        item = [v[j] if k in batched else v for k, v in enumerate(values)]
        expected = evaluate(outputs, dict(zip(inputs, item, strict=True)))
        for r, e in zip(results, expected, strict=True):
            np.testing.assert_allclose(r[j], e, rtol=rtol, atol=1e-12)
    return batch_outputs
