"""Lengths are known without computing; Ops are pickled, equal and hashed by value."""

import functools
import pickle

import numpy as np
import pytest
from op_engine import as_list, cases, graph, in_groups

import pytensor
from pytensor.compile.mode import Mode
from pytensor.graph.traversal import toposort
from pytensor.tensor.shape import Shape, Shape_i


def first_dtypes():
    """One dtype of each row: what is tested here does not depend on it."""
    chosen: dict = {}
    return tuple(c for c in cases() if chosen.setdefault(c.row, c.dtype) == c.dtype)


CASES = first_dtypes()


@functools.cache
def groups():
    return in_groups(CASES)


@functools.cache
def shape_function(group):
    inputs = [v for c in group for v in graph(c)[0]]
    outputs = [o.shape for c in group for o in graph(c)[1]]
    mode = Mode("py", "fast_run")
    return pytensor.function(inputs, outputs, mode=mode, on_unused_input="ignore")


def reads_elements(outputs, inputs) -> list:
    """Inputs of other than integers whose elements the graph reads, not only their lengths."""
    found, todo, seen = [], list(outputs), set()
    while todo:
        v = todo.pop()
        if v in seen:
            continue
        seen.add(v)
        if v.owner is None:
            if v in inputs and v.type.dtype[0] not in "iub":
                found.append(v)
        elif not isinstance(v.owner.op, Shape | Shape_i):
            todo.extend(v.owner.inputs)
    return found


@pytest.mark.parametrize(
    "case", [c for c in CASES if c.row.shape_known is True], ids=lambda c: c.id
)
def test_shape_without_computing(case):
    group = groups()[case]
    f = shape_function(group)
    fgraph = f.maker.fgraph
    at_in = sum(len(graph(c)[0]) for c in group[: group.index(case)])
    at_out = sum(len(graph(c)[1]) for c in group[: group.index(case)])
    inputs, outputs = graph(case)
    mine = fgraph.inputs[at_in : at_in + len(inputs)]
    shapes = fgraph.outputs[at_out : at_out + len(outputs)]
    read = reads_elements(shapes, set(mine))
    assert not read, f"the shape graph computes: {pytensor.dprint(shapes, file='str')}"


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.id)
def test_shape_values(case):
    """`infer_shape` gives the shape that `perform` makes."""
    group = groups()[case]
    at_out = sum(len(graph(c)[1]) for c in group[: group.index(case)])
    values = [c.values() for c in group]
    f = shape_function(group)
    inputs, outputs = graph(case)
    from op_engine import performed

    for k, mine in enumerate(case.values()):
        now = [a for v in values for a in v[k % len(v)]]
        with np.errstate(all="ignore"):
            shapes = f(*now)[at_out : at_out + len(outputs)]
        want = performed(outputs, dict(zip(inputs, mine, strict=True)))
        assert [tuple(s.tolist()) for s in shapes] == [w.shape for w in want]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.id)
def test_equal_and_pickled(case):
    inputs, outputs = graph(case)
    again = as_list(case.row.function(*inputs))
    nodes, others = list(toposort(outputs)), list(toposort(again))
    assert len(nodes) == len(others)
    for node, other in zip(nodes, others, strict=True):
        op = node.op
        assert op == other.op and hash(op) == hash(other.op), f"{op}: two of one call differ"
        back = pickle.loads(pickle.dumps(op))
        assert back == op and hash(back) == hash(op), f"{op}: not equal after pickling"
        assert str(op) and repr(op)
