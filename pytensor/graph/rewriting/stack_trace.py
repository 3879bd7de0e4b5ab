"""Carry the user's source line from a replaced variable to its replacement."""

from __future__ import annotations

import warnings

from pytensor.configdefaults import config
from pytensor.graph.features import Feature

# One variable may come to stand for thousands, by merging or cancelling.
_MAX_TRACES = 4


def _traces(variables) -> list:
    found: list = []
    for var in variables:
        for trace in getattr(var.tag, "trace", None) or ():
            if trace not in found:
                found.append(trace)
    return found


def copy_stack_trace(from_var, to_var):
    """Give `to_var` the user's source lines of `from_var`; return `to_var`.

    Parameters
    ----------
    from_var, to_var
        A variable, or a list or tuple of variables.
    """
    sources = from_var if isinstance(from_var, list | tuple) else (from_var,)
    targets = to_var if isinstance(to_var, list | tuple) else (to_var,)
    traces = _traces(sources)
    if not traces:
        return to_var
    for target in targets:
        if target is None:
            continue
        own = getattr(target.tag, "trace", None) or []
        # The replaced variable's line comes first: it is the one the user wrote.
        target.tag.trace = (traces + [t for t in own if t not in traces])[:_MAX_TRACES]
    return to_var


def check_stack_trace(f_or_fgraph, ops_to_check="last", bug_print="raise"):
    """Return whether the outputs of the checked ops know the user's source line.

    Parameters
    ----------
    f_or_fgraph
        A compiled function or a `FunctionGraph`.
    ops_to_check
        ``"last"`` for the ops of the graph outputs, ``"all"``, an op, an op class, or a
        sequence of these.
    bug_print
        ``"raise"``, ``"warn"`` or ``"ignore"``: what to do about a missing line.
    """
    if bug_print not in ("raise", "warn", "ignore"):
        raise ValueError(
            f"[check_stack_trace] bug_print must be raise, warn or ignore, got {bug_print!r}"
        )
    maker = getattr(f_or_fgraph, "maker", None)
    fgraph = maker.fgraph if maker is not None else f_or_fgraph
    for node in fgraph.apply_nodes:
        if not _is_checked(fgraph, node, ops_to_check):
            continue
        for output in node.outputs:
            if getattr(output.tag, "trace", None) and all(output.tag.trace):
                continue
            message = f"{node.op} of {node} has an output without a stack trace"
            if bug_print == "raise":
                raise Exception(message)
            if bug_print == "warn":
                warnings.warn(message, stacklevel=2)
            return False
    return True


def _is_checked(fgraph, node, ops_to_check) -> bool:
    if ops_to_check == "all":
        return True
    if ops_to_check == "last":
        return any(output in node.outputs for output in fgraph.outputs)
    wanted = ops_to_check if isinstance(ops_to_check, list | tuple) else (ops_to_check,)
    for op in wanted:
        if isinstance(op, str):
            raise ValueError(
                "[check_stack_trace] ops_to_check must be 'last', 'all', an op or an op class, "
                f"got {op!r}"
            )
        if isinstance(node.op, op) if isinstance(op, type) else node.op == op:
            return True
    return False


class CheckStackTraceFeature(Feature):
    """Complain about, or repair, nodes that rewrites import without a user's source line."""

    def on_import(self, fgraph, node, reason):
        if config.check_stack_trace == "off" or check_node(node):
            return
        message = f"{reason} imported {node} without a stack trace"
        if config.check_stack_trace == "raise":
            raise AssertionError(message)
        if config.check_stack_trace in ("log", "warn"):
            warnings.warn(message, stacklevel=2)


def check_node(node) -> bool:
    """Return whether every output of `node` has a user's source line."""
    return all(getattr(output.tag, "trace", None) for output in node.outputs)
