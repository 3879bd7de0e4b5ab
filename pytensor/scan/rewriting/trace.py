"""Loops that keep only the part of a trace that is read."""

from pytensor.graph.basic import Apply, Constant, Variable
from pytensor.graph.fg import FunctionGraph, Output
from pytensor.graph.rewriting.basic import copy_stack_trace, node_rewriter
from pytensor.scan.args import ScanArgs
from pytensor.scan.op import Scan
from pytensor.scan.rewriting.db import scan_eqopt2
from pytensor.scan.rewriting.unused import lists_of, rebuilt
from pytensor.scan.utils import expand_empty
from pytensor.tensor.basic import AllocEmpty, alloc, constant
from pytensor.tensor.elemwise import DimShuffle
from pytensor.tensor.math import minimum
from pytensor.tensor.subtensor import IncSubtensor, Subtensor
from pytensor.tensor.subtensor.indices import indices_from_subtensor


def known_int(value) -> int | None:
    """Return the value of an index that is a constant integer, else None."""
    if isinstance(value, int):
        return value
    if isinstance(value, Constant):
        return int(value.data)
    owner = getattr(value, "owner", None)
    if owner is not None and len(owner.inputs) == 1 and isinstance(owner.inputs[0], Constant):
        return int(owner.inputs[0].data) if owner.inputs[0].data.ndim == 0 else None
    return None


def _first_index(node: Apply):
    """Return the index along the first axis of a `Subtensor` node."""
    indices = indices_from_subtensor(node.inputs[1:], node.op.idx_list)
    return indices[0] if indices else slice(None)


def _from_end(index, length: int | None) -> int | None:
    """Return how many rows from the end an index reads, None if that isn't known."""
    if isinstance(index, slice):
        start = known_int(index.start) if index.start is not None else None
        if start is None or (index.step is not None and known_int(index.step) != 1):
            return None
        if index.stop is not None and (length is None or known_int(index.stop) != length):
            return None
    else:
        start = known_int(index)
        if start is None:
            return None
    if start >= 0:
        # A place counted from the beginning, in a trace of known length.
        return length - start if length is not None and start < length else None
    return -start


class _Reading:
    """How a trace is read: maybe without its first rows, then `rows` rows from the end."""

    def __init__(self, skipped: Apply | None, last: Apply, rows: int) -> None:
        self.skipped = skipped
        self.last = last
        self.rows = rows

    def again(self, trace: Variable) -> Variable:
        """Read another trace in the same way."""
        if self.skipped is not None:
            trace = self.skipped.op.make_node(trace, *self.skipped.inputs[1:]).outputs[0]
        first, *rest = indices_from_subtensor(self.last.inputs[1:], self.last.op.idx_list)
        first = slice(-self.rows, None) if isinstance(first, slice) else -self.rows
        return self.last.outputs[0].type.filter_variable(trace[(first, *rest)])


def _readings(fgraph: FunctionGraph, trace: Variable, lag: int) -> list[_Reading] | None:
    """Return how a trace is read if that is from the end only, else None."""
    found = []
    length = trace.type.shape[0]
    for client, position in fgraph.clients.get(trace, ()):
        if isinstance(client.op, Output) or not isinstance(client.op, Subtensor) or position:
            return None
        index = _first_index(client)
        rows = _from_end(index, length)
        if rows is not None:
            found.append(_Reading(None, client, rows))
            continue
        # x[c:], read from its end: the initial values are left out first.
        start = known_int(index.start) if isinstance(index, slice) else None
        if start is None or not 0 <= start <= lag or index.stop is not None:
            return None
        if index.step is not None or len(client.op.idx_list) != 1:
            return None
        for inner, place in fgraph.clients.get(client.outputs[0], ()):
            if not isinstance(inner.op, Subtensor) or place:
                return None
            rows = _from_end(_first_index(inner), None if length is None else length - start)
            if rows is None:
                return None
            found.append(_Reading(client, inner, rows))
    return found


def initial_rows(buffer: Variable, lag: int) -> Variable:
    """Return the initial values at the beginning of a buffer."""
    node = buffer.owner
    if node is not None and isinstance(node.op, IncSubtensor) and node.op.set_instead_of_inc:
        empty = node.inputs[0].owner
        indices = indices_from_subtensor(node.inputs[2:], node.op.idx_list)
        if (
            empty is not None
            and isinstance(empty.op, AllocEmpty)
            and len(indices) == 1
            and isinstance(indices[0], slice)
            and indices[0].start is None
            and indices[0].step is None
            and known_int(indices[0].stop) == lag
            and node.inputs[1].type.ndim == buffer.type.ndim
            and node.inputs[1].type.shape[0] == lag
        ):
            rows = node.inputs[1]
            if rows.type.broadcastable[1:] == buffer.type.broadcastable[1:]:
                return rows
            # What was written may have been spread over the rows.
            return alloc(rows, lag, *empty.inputs[1:])
    return buffer[:lag]


def single_row(rows: Variable) -> Variable:
    """Return the only row of `rows`."""
    node = rows.owner
    if node is not None and isinstance(node.op, DimShuffle):
        source = node.inputs[0]
        order = tuple(node.op.new_order)
        if order == ("x", *range(source.type.ndim)):
            return source
    return rows[0]


def _length(n_steps: Variable, rows: int):
    """Return the number of rows to keep."""
    if isinstance(n_steps, Constant):
        return min(int(n_steps.data), rows)
    return minimum(n_steps, constant(rows, dtype="int64"))


def _is_short(args: ScanArgs, buffer: Variable, lag: int, rows: int) -> bool:
    """Tell whether a buffer holds no more than it must already."""
    n = buffer.type.shape[0]
    if n is not None and n <= lag + rows:
        return True
    node = buffer.owner
    if node is None or not isinstance(node.op, IncSubtensor) or node.inputs[0].owner is None:
        return False
    return getattr(node.inputs[0].owner.tag, "scan_short", False)


@node_rewriter([Scan])
def scan_reduce_trace(fgraph, node):
    """Let buffers hold no more than is read: rows are used again and again."""
    op = node.op
    if op.prepared or op.destroy_map or op.info.n_mit_mot:
        return None
    args = lists_of(node)
    n_mit_sot = op.info.n_mit_sot
    replaced: dict[int, list[_Reading]] = {}
    for state, lag in enumerate(op.info.lags):
        name, at = ("mit_sot", state) if state < n_mit_sot else ("sit_sot", state - n_mit_sot)
        readings = _readings(fgraph, node.outputs[state], lag)
        if not readings:
            continue
        rows = max(reading.rows for reading in readings)
        buffers = getattr(args, f"outer_in_{name}")
        if not _is_short(args, buffers[at], lag, rows):
            short = expand_empty(initial_rows(buffers[at], lag), _length(args.n_steps, rows))
            if short.owner is not None and short.owner.inputs[0].owner is not None:
                _mark(short)
            buffers[at] = short
            replaced[state] = readings
    first = op.info.outer_out["nit_sot"].start
    for k, length in enumerate(args.outer_in_nit_sot):
        readings = _readings(fgraph, node.outputs[first + k], 0)
        if readings and length is args.n_steps:
            rows = max(reading.rows for reading in readings)
            if not isinstance(length, Constant) or int(length.data) > rows:
                args.outer_in_nit_sot[k] = constant(_length(args.n_steps, rows), dtype="int64") if (
                    isinstance(length, Constant)
                ) else _length(args.n_steps, rows)  # fmt: skip
                replaced[first + k] = readings
    if not replaced:
        return None
    return _replacements(fgraph, node, rebuilt(node, args), replaced)


def _mark(short: Variable) -> None:
    """Remember on the nodes themselves that this buffer is as short as it can be."""
    var = short.owner.inputs[0]
    var.owner.tag.scan_short = True


def _replacements(fgraph, node: Apply, new, replaced) -> dict[Variable, Variable]:
    result: dict[Variable, Variable] = {}
    for o, (before, after) in enumerate(zip(node.outputs, new, strict=True)):
        if o not in replaced:
            if fgraph.clients.get(before):
                result[before] = after
            continue
        for reading in replaced[o]:
            old = reading.last.outputs[0]
            result[old] = reading.again(after)
            copy_stack_trace(old, result[old])
    return result


@node_rewriter([Scan])
def scan_sit_sot_to_untraced(fgraph, node):
    """Keep no trace of a state of which only the value after all steps is read.

    It then lives in one place, which steps may overwrite.
    """
    op = node.op
    if op.prepared or op.destroy_map or op.info.n_mit_mot:
        return None
    n_mit_sot = op.info.n_mit_sot
    chosen: dict[int, list[Variable]] = {}
    for k in range(op.info.n_sit_sot):
        clients = fgraph.clients.get(node.outputs[n_mit_sot + k], ())
        if clients and all(is_last_row(*client) for client in clients):
            chosen[k] = [client.outputs[0] for client, _ in clients]
    if not chosen:
        return None
    args = lists_of(node)
    kept = [k for k in range(op.info.n_sit_sot) if k not in chosen]
    n_untraced = len(args.outer_in_shared)
    for k in chosen:
        row = single_row(initial_rows(args.outer_in_sit_sot[k], 1))
        args.outer_in_shared.append(args.inner_in_sit_sot[k].type.filter_variable(row))
        args.inner_in_shared.append(args.inner_in_sit_sot[k])
        args.inner_out_shared.append(args.inner_out_sit_sot[k])
    for side in ("outer_in", "inner_in", "inner_out"):
        values = getattr(args, f"{side}_sit_sot")
        values[:] = [values[k] for k in kept]
    new = rebuilt(node, args)
    result: dict[Variable, Variable] = {}
    traced = [*range(n_mit_sot), *(n_mit_sot + k for k in kept)]
    nit = op.info.outer_out["nit_sot"]
    untraced = op.info.outer_out["untraced"]
    order = [*traced, *range(nit.start, nit.stop), *range(untraced.start, untraced.stop)]
    for o, after in zip(order, new):
        if fgraph.clients.get(node.outputs[o]):
            result[node.outputs[o]] = after
    for last, after in zip(chosen.values(), new[len(order) :], strict=True):
        for old in last:
            result[old] = old.type.filter_variable(after)
    assert len(order) == len(traced) + len(args.outer_in_nit_sot) + n_untraced
    return result


def is_last_row(client: Apply, position: int) -> bool:
    """Tell whether a client reads ``x[-1]``."""
    if isinstance(client.op, Output) or not isinstance(client.op, Subtensor) or position:
        return False
    index = _first_index(client)
    if len(client.op.idx_list) != 1 or isinstance(index, slice):
        return False
    return _from_end(index, client.inputs[0].type.shape[0]) == 1


scan_eqopt2.register("scan_sit_sot_to_untraced", scan_sit_sot_to_untraced, "fast_run", "scan")
scan_eqopt2.register(
    "scan_reduce_trace",
    scan_reduce_trace,
    "fast_run",
    "scan",
    "scan_save_mem",  # and upstream's other names of it
    "scan_save_mem_prealloc",
    "scan_reduce_trace_prealloc",
)
