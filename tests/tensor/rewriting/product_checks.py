"""What tests of rules about products share: rewrite, count the calls, compare the values."""

from collections import Counter

import numpy as np

from pytensor.graph.fg import FunctionGraph
from pytensor.graph.rewriting.stages import optdb
from pytensor.graph.rewriting.trace import rewrite_trace
from pytensor.tensor.blas import BatchedDot, BatchedGemm, Dot22, Dot22Scalar, Gemm, Gemv, Ger, Syrk
from pytensor.tensor.blockwise import Blockwise
from pytensor.tensor.math import Dot

CALLS = (Gemm, Gemv, Ger, Dot22, Dot22Scalar, BatchedDot, BatchedGemm, Syrk)


def rewritten(*outputs, exclude=(), only=None):
    """Return the graph after all stages of ``fast_run``, without loops fused or buffers reused."""
    fgraph = FunctionGraph(outputs=list(outputs), clone=True, copy_inputs=False)
    included = ["+fast_run"] if only is None else [f"+{tag}" for tag in only]
    optdb.query(*included, "-fusion", "-inplace", *(f"-{tag}" for tag in exclude)).rewrite(fgraph)
    return fgraph


def calls(fgraph):
    """Return how many products there are of each kind; ``"left"`` are those no call takes."""
    found = Counter()
    for node in fgraph.apply_nodes:
        if isinstance(node.op, CALLS):
            found[type(node.op).__name__] += 1
        elif isinstance(node.op, Blockwise) and isinstance(node.op.core_op, Dot):
            found["batch"] += 1
        elif isinstance(node.op, Dot):
            found["left"] += 1
    return dict(found)


def product_shapes(fgraph):
    """Return the static shapes of all products, in the order they are computed."""
    return [
        node.outputs[0].type.shape
        for node in fgraph.toposort()
        if isinstance(node.op, (*CALLS, Dot, Blockwise))
    ]


def values_of(fgraph, values):
    """Compute all outputs with the ops' own NumPy implementations."""
    env = dict(values)
    for node in fgraph.toposort():
        inputs = [np.asarray(env[v]) if v in env else v.data for v in node.inputs]
        storage = [[None] for _ in node.outputs]
        node.op.perform(node, inputs, storage)
        env.update(zip(node.outputs, (cell[0] for cell in storage), strict=True))
    return [np.asarray(env[out] if out in env else out.data) for out in fgraph.outputs]


def random_inputs(outputs, seed=0, length=4):
    """Return a random array for every input; unknown axes have the same length."""
    rng = np.random.default_rng(seed)
    result = {}
    for var in FunctionGraph(outputs=list(outputs), clone=False).inputs:
        shape = [length if n is None else n for n in var.type.shape]
        kind = np.dtype(var.type.dtype).kind
        if kind in "iu":
            data = rng.integers(0, 5, size=shape)
        elif kind == "b":
            data = rng.random(size=shape) < 0.4
        else:
            data = rng.normal(size=shape)
            data = data + 1j * rng.normal(size=shape) if kind == "c" else data
        result[var] = np.asarray(data).astype(var.type.dtype)
    return result


def assert_same_values(fgraph, outputs, values):
    """Compare a rewritten graph with the expression as it was written."""
    plain = FunctionGraph(outputs=list(outputs), clone=True, copy_inputs=False)
    pairs = zip(values_of(fgraph, values), values_of(plain, values), outputs, strict=True)
    for got, want, out in pairs:
        assert got.shape == want.shape and got.dtype == want.dtype == np.dtype(out.type.dtype)
        if want.dtype.kind not in "fc":
            np.testing.assert_array_equal(got, want)
            continue
        tolerance = 1e-3 if np.finfo(want.dtype).eps > 1e-10 else 1e-9
        np.testing.assert_allclose(got, want, rtol=tolerance, atol=tolerance)


def check(outputs, expected, *, values=None, exclude=(), length=4):
    """Rewrite, count the calls, compare the values; return the graph."""
    outputs = list(outputs) if isinstance(outputs, list | tuple) else [outputs]
    fgraph = rewritten(*outputs, exclude=exclude)
    assert calls(fgraph) == expected
    assert_same_values(fgraph, outputs, values or random_inputs(outputs, length=length))
    return fgraph


def fired(*outputs):
    """Return how often each rewriter fired."""
    with rewrite_trace() as trace:
        rewritten(*outputs)
    return Counter(e.rewriter for e in trace.events if e.outcome == "fired")
