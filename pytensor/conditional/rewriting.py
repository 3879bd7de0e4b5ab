"""What is known of a choice before it is made: branches that cannot be taken, choices made twice."""

from collections.abc import Sequence

from pytensor.conditional.op import IfElse
from pytensor.graph.basic import Apply, Constant, Variable
from pytensor.graph.fg import FunctionGraph, Output
from pytensor.graph.rewriting.basic import copy_stack_trace, node_rewriter
from pytensor.graph.rewriting.db import EquilibriumDB
from pytensor.graph.rewriting.stages import optdb
from pytensor.tensor.shape import Shape, Shape_i

ifelse_simplify_db = EquilibriumDB()
optdb.register("ifelse_simplify", ifelse_simplify_db, "fast_run", "lazy_ifelse")


def _branches(node: Apply) -> tuple[list[Variable], list[Variable]]:
    n = node.op.n_outs
    return node.inputs[1 : 1 + n], node.inputs[1 + n :]


def _taken(fgraph: FunctionGraph, node: Apply, values: Sequence[Variable]):
    """Return the replacements of the outputs of `node` that are read by `values`."""
    return {
        out: out.type.filter_variable(value)
        for out, value in zip(node.outputs, values, strict=True)
        if fgraph.clients.get(out)
    }


@node_rewriter([IfElse])
def ifelse_constant_condition(fgraph, node):
    """Take the branch that a constant condition chooses."""
    condition = node.inputs[0]
    if not isinstance(condition, Constant):
        return None
    return _taken(fgraph, node, _branches(node)[0 if bool(condition.data) else 1])


@node_rewriter([IfElse])
def cond_remove_identical(fgraph, node):
    """Leave out of a choice what nobody reads, is the same in both branches, or is chosen twice."""
    pairs = list(zip(*_branches(node), strict=True))
    first: dict[tuple, int] = {}
    for k, (a, b) in enumerate(pairs):
        if a is not b and fgraph.clients.get(node.outputs[k]):
            first.setdefault((a, b), k)
    kept = list(first.values())
    if len(kept) == len(pairs):
        return None
    new: Sequence[Variable] = []
    if kept:
        op = IfElse(len(kept), as_view=node.op.as_view, name=node.op.name)
        values = [pairs[k][0] for k in kept] + [pairs[k][1] for k in kept]
        new = op(node.inputs[0], *values, return_list=True)
        copy_stack_trace(node.outputs, new)
    place = {pair: i for i, pair in enumerate(first)}
    return _taken(fgraph, node, [new[place[p]] if p in place else p[0] for p in pairs])


def _merged_branch(node: Apply, which: int) -> list[Variable] | None:
    """Return the inputs of a choice whose branch asked the same question again, None if none did."""
    condition = node.inputs[0]
    inputs = list(node.inputs)
    n = node.op.n_outs
    changed = False
    for k in range(1 + which * n, 1 + (which + 1) * n):
        inner = inputs[k].owner
        if inner is None or not isinstance(inner.op, IfElse) or inner.inputs[0] is not condition:
            continue
        value = _branches(inner)[which][inputs[k].index or 0]
        inputs[k] = inputs[k].type.filter_variable(value)
        changed = True
    return inputs if changed else None


def _merge_ifs(node: Apply, which: int):
    inputs = _merged_branch(node, which)
    if inputs is None:
        return None
    new = node.op(*inputs, return_list=True)
    copy_stack_trace(node.outputs, new)
    return [old.type.filter_variable(v) for old, v in zip(node.outputs, new, strict=True)]


@node_rewriter([IfElse])
def cond_merge_ifs_true(fgraph, node):
    """``ifelse(c, ifelse(c, x, y), z)`` is ``ifelse(c, x, z)``."""
    return _merge_ifs(node, 0)


@node_rewriter([IfElse])
def cond_merge_ifs_false(fgraph, node):
    """``ifelse(c, x, ifelse(c, y, z))`` is ``ifelse(c, x, z)``."""
    return _merge_ifs(node, 1)


def _only_reader(fgraph: FunctionGraph, node: Apply) -> Apply | None:
    """Return the node that alone reads what `node` chose, and always needs it; else None."""
    readers = {client for out in node.outputs for client, _ in fgraph.clients.get(out, ())}
    if len(readers) != 1:
        return None
    (reader,) = readers
    lazy = isinstance(reader.op, Output | Shape | Shape_i) or getattr(reader.op, "lazy", False)
    return None if lazy else reader


@node_rewriter([IfElse])
def merge_sibling_ifelse(fgraph, node):
    """Make one choice of two with the same condition that one node needs both."""
    reader = _only_reader(fgraph, node)
    if reader is None or any(not fgraph.clients.get(out) for out in node.outputs):
        return None
    for value in reader.inputs:
        other = value.owner
        if other is None or other is node or not isinstance(other.op, IfElse):
            continue
        if other.inputs[0] is not node.inputs[0] or other.op.as_view != node.op.as_view:
            continue
        if _only_reader(fgraph, other) is reader:
            return _joined(fgraph, node, other)
    return None


def _joined(fgraph: FunctionGraph, node: Apply, other: Apply) -> dict[Variable, Variable]:
    (a, b), (c, d) = _branches(node), _branches(other)
    op = IfElse(len(a) + len(c), as_view=node.op.as_view, name=node.op.name or other.op.name)
    new = op(node.inputs[0], *a, *c, *b, *d, return_list=True)
    old = [*node.outputs, *other.outputs]
    for before, after in zip(old, new, strict=True):
        copy_stack_trace(before, after)
    return {
        before: before.type.filter_variable(after)
        for before, after in zip(old, new, strict=True)
        if fgraph.clients.get(before)
    }


for _rule in (ifelse_constant_condition, cond_remove_identical):
    optdb["canonicalize"].register(_rule.__name__, _rule, "fast_run", "fast_compile")
for _rule in (cond_merge_ifs_true, cond_merge_ifs_false, merge_sibling_ifelse):
    ifelse_simplify_db.register(_rule.__name__, _rule, "fast_run", "lazy_ifelse", "jax", "numba")
