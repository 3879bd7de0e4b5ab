"""Work that leaves a loop before it: what is the same at each step, and what needs no state.

What is left of :math:`h_t = \\tanh(x_t W + h_{t-1} U)` is :math:`h_t = \\tanh(p_t + h_{t-1} U)`, after
one product :math:`P = X W` for all steps.
"""

from collections.abc import Sequence

from pytensor.graph.basic import Apply, Constant, Variable, nodes_in_order
from pytensor.graph.rewriting.basic import copy_stack_trace, node_rewriter
from pytensor.scan.args import ScanArgs
from pytensor.scan.closure import may_miss, placeholder
from pytensor.scan.forward import replaced
from pytensor.scan.op import Scan
from pytensor.scan.rewriting.db import register_push_out
from pytensor.scan.rewriting.outside import (
    FIXED,
    STACKED,
    VARYING,
    batched,
    frozen_kinds,
    is_harmless,
    kinds_of,
    pays,
    rows,
    same_length,
)
from pytensor.scan.rewriting.unused import lists_of, rebuilt
from pytensor.tensor.type import TensorType


def is_plain(op: Scan) -> bool:
    """Tell whether a loop has not been through the later stages, and steps are not cut short."""
    return not (op.prepared or op.destroy_map)


def without_outputs(fgraph, node: Apply, args: ScanArgs, moved: dict[int, Variable]):
    """Return the replacements of the outputs of `node` by a loop without the nit-sots in `moved`.

    Parameters
    ----------
    moved : dict
        From positions among the nit-sots to what takes the place of their traces.
    """
    first = node.op.info.outer_out["nit_sot"].start
    n_nit_sot = len(args.outer_in_nit_sot)
    for name in ("outer_in_nit_sot", "inner_out_nit_sot"):
        values = getattr(args, name)
        values[:] = [v for k, v in enumerate(values) if k not in moved]
    kept = [o for o in range(len(node.outputs)) if not (0 <= o - first < n_nit_sot and o - first in moved)]  # fmt: skip
    result = {}
    for k, new in moved.items():
        old = node.outputs[first + k]
        if fgraph.clients.get(old):
            copy_stack_trace(old, new)
            result[old] = old.type.filter_variable(new)
    if kept:
        for o, new in zip(kept, rebuilt(node, args), strict=True):
            if fgraph.clients.get(node.outputs[o]):
                result[node.outputs[o]] = new
    return result


def _frontier(
    kinds: dict[Variable, int], nodes: Sequence[Apply], outputs: Sequence[Variable], kind: int
) -> list[Variable]:
    """Return computed values of a kind that are read by what is of no such kind, or are outputs."""
    found: dict[Variable, None] = {}
    for node in nodes:
        if kinds.get(node.outputs[0], FIXED) > kind:
            found.update((v, None) for v in node.inputs if kinds.get(v) == kind and v.owner)
    found.update((v, None) for v in outputs if kinds.get(v) == kind and v.owner)
    return list(found)


@node_rewriter([Scan])
def scan_push_out_non_seq(fgraph, node):
    """Compute before the loop what is the same at each step, if that cannot fail."""
    op = node.op
    if not is_plain(op):
        return None
    inner = op.fgraph
    nodes = inner.toposort()
    n_steps = node.inputs[0]
    may_move = is_harmless
    if not (isinstance(n_steps, Constant) and int(n_steps.data) > 0):
        may_move = _cannot_miss
    if not _may_move(op, inner, nodes, may_move):
        return None
    args = lists_of(node)
    nodes = nodes_in_order(args.inner_outputs, set(args.inner_inputs))
    kinds = _invariant_kinds(op, args.inner_inputs, nodes, may_move)
    moving = _frontier(kinds, nodes, args.inner_outputs, FIXED)
    moving = [v for v in moving if not _is_constant(v, args.inner_inputs)]
    outside = batched(moving, {}, dict(zip(args.inner_in_non_seqs, args.outer_in_non_seqs)))
    stand_ins = {v: placeholder(v) for v in moving}
    for old, new in zip(moving, outside, strict=True):
        args.outer_in_non_seqs.append(old.type.filter_variable(new))
        args.inner_in_non_seqs.append(stand_ins[old])
    replace_inner(args, stand_ins)
    return without_outputs(fgraph, node, args, {})


def _cannot_miss(node: Apply) -> bool:
    return is_harmless(node) and not may_miss(node)


def _invariant_kinds(op: Scan, inputs, nodes, may_move) -> dict[Variable, int]:
    info = op.info
    kinds = dict.fromkeys(inputs, VARYING)
    kinds.update(dict.fromkeys(inputs[info.inner_in["non_seqs"]], FIXED))
    for node in nodes:
        fixed = all(kinds.get(v, FIXED) == FIXED for v in node.inputs)
        fixed = fixed and bool(node.inputs) and may_move(node)
        kinds.update(dict.fromkeys(node.outputs, FIXED if fixed else VARYING))
    return kinds


def _is_constant(var: Variable, inputs: Sequence[Variable]) -> bool:
    """Tell whether `var` is made of constants: rewrites of the step fold them."""
    own = set(inputs)
    return not any(v in own for n in nodes_in_order([var], own) for v in n.inputs)


def _may_move(op: Scan, inner, nodes: Sequence[Apply], may_move) -> bool:
    fixed = set(inner.inputs[op.info.inner_in["non_seqs"]])
    if not fixed:
        return False
    return any(
        all(v in fixed or isinstance(v, Constant) for v in n.inputs)
        and any(v in fixed for v in n.inputs)
        and may_move(n)
        for n in nodes
    )


def replace_inner(args: ScanArgs, stand_ins: dict[Variable, Variable]) -> None:
    """Put variables in place of others in the outputs of a step."""
    outputs = iter(replaced(args.inner_outputs, stand_ins))
    for group in args.inner_out_mit_mot:
        group[:] = [next(outputs) for _ in group]
    for name in ("mit_sot", "sit_sot", "nit_sot", "shared"):
        values = getattr(args, f"inner_out_{name}")
        values[:] = [next(outputs) for _ in values]
    args.cond = list(outputs)


@node_rewriter([Scan])
def scan_push_out_seq(fgraph, node):
    """Compute before the loop, for all steps at once, what needs no state.

    Only work that is quicker by the batch moves, and results that need no state at all: a loop of
    those alone is gone. A while loop keeps all its work, for it may not do all its steps.
    """
    op = node.op
    if not is_plain(op) or op.info.as_while or not op.info.n_seqs:
        return None
    if not _worth_a_look(op):
        return None
    args = lists_of(node)
    nodes = nodes_in_order(args.inner_outputs, set(args.inner_inputs))
    kinds = kinds_of(op, args.inner_inputs, nodes)
    whole = _whole_outputs(node, args, kinds)
    # What only those outputs need goes with them.
    others = [v for v in args.inner_outputs if not any(v is args.inner_out_nit_sot[k] for k in whole)]  # fmt: skip
    needed = nodes_in_order(others, set(args.inner_inputs))
    blockers = set(args.inner_inputs)
    moving = [v for v in _frontier(kinds, needed, others, STACKED) if pays(v, kinds, blockers)]
    if not moving and not whole:
        return None
    wanted = [*moving, *(args.inner_out_nit_sot[k] for k in whole)]
    outside = _all_steps(node, args, wanted, check=bool(whole))
    moved = dict(zip(whole, outside[len(moving) :], strict=True))
    stand_ins = {}
    for old, new in zip(moving, outside):
        stand_ins[old] = new.type.clone(shape=new.type.shape[1:])()
        args.outer_in_seqs.append(new)
        args.inner_in_seqs.append(stand_ins[old])
    replace_inner(args, stand_ins)
    return without_outputs(fgraph, node, args, moved)


def _worth_a_look(op: Scan) -> bool:
    """Tell, without copying the step, whether anything may move."""
    inner = op.fgraph
    nodes = inner.toposort()
    kinds = frozen_kinds(op)
    if any(kinds.get(v) == STACKED for v in op.inner_nitsot_outs(inner.outputs)):
        return True
    blockers = set(inner.inputs)
    return any(pays(v, kinds, blockers) for v in _frontier(kinds, nodes, inner.outputs, STACKED))


def _whole_outputs(node: Apply, args: ScanArgs, kinds: dict[Variable, int]) -> list[int]:
    """Return the nit-sots that need no state."""
    return [
        k
        for k, (out, length) in enumerate(
            zip(args.inner_out_nit_sot, args.outer_in_nit_sot, strict=True)
        )
        if kinds.get(out) == STACKED and same_length(length, args.n_steps)
    ]


def _all_steps(
    node: Apply, args: ScanArgs, wanted: Sequence[Variable], check: bool
) -> list[Variable]:
    """Return the values of variables of a step that need no state, for all steps."""
    own = set(args.inner_inputs)
    used = {v for n in nodes_in_order(wanted, own) for v in n.inputs} | set(wanted)
    name = node.op.name or "scan"
    stacks = {
        inner: rows(outer, args.n_steps, node.op.exact, f"[{name}] sequence {i}", check)
        for i, (inner, outer) in enumerate(zip(args.inner_in_seqs, args.outer_in_seqs, strict=True))
        if inner in used
    }
    fixed = {
        inner: outer
        for inner, outer in zip(args.inner_in_non_seqs, args.outer_in_non_seqs, strict=True)
        if isinstance(inner.type, TensorType)
    }
    return batched(wanted, stacks, fixed)


register_push_out(scan_push_out_non_seq, "scan_pushout_nonseqs_ops")
register_push_out(scan_push_out_seq, "scan_pushout_seqs_ops")
