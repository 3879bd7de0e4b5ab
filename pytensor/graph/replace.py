"""Expressions made from other expressions by putting variables in the place of variables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import singledispatch
from typing import Any, TypeAlias, overload

from pytensor.graph.basic import Apply, Constant, Variable, nodes_in_order
from pytensor.graph.op import Op
from pytensor.graph.traversal import toposort, truncated_graph_inputs

ReplaceTypes: TypeAlias = Iterable[tuple[Variable, Variable]] | dict[Variable, Variable]

__all__ = [
    "clone_replace",
    "graph_replace",
    "vectorize",
    "vectorize_graph",
    "vectorize_node",
]


def _format_replace(replace: ReplaceTypes | None = None) -> dict[Variable, Variable]:
    """Return replacements, however they were written, as a dictionary."""
    if replace is None:
        return {}
    if isinstance(replace, Mapping):
        return dict(replace)
    if isinstance(replace, Iterable) and not isinstance(replace, str):
        return dict(replace)
    raise ValueError(f"[replace] replacements must be a mapping or pairs, got {replace!r}")


def clone_replace(
    output: Variable | Sequence[Variable],
    replace: ReplaceTypes | None = None,
    **rebuild_kwds,
) -> Variable | list[Variable]:
    """Copy an expression with some of its variables replaced.

    All replacements happen at once: what is put in is not searched for variables to replace.

    Parameters
    ----------
    output : Variable or sequence of Variable
    replace : dict or iterable of pairs, optional
        Maps variables to what takes their place.
    rebuild_strict : bool
        Demand replacements of the same type (after conversion). Otherwise the types of what is
        computed from them follow. True by default.
    copy_inputs_over : bool
        Keep inputs as they are, which is the default, or make new ones.

    Returns
    -------
    Variable or list of Variable
        Like `output`.
    """
    strict = rebuild_kwds.pop("rebuild_strict", True)
    keep_inputs = rebuild_kwds.pop("copy_inputs_over", True)
    if rebuild_kwds:
        raise TypeError(f"[clone_replace] unknown argument {next(iter(rebuild_kwds))!r}")
    memo: dict[Any, Variable] = {}
    for old, new in _format_replace(replace).items():
        if not isinstance(old, Variable):
            raise TypeError(f"[clone_replace] what is replaced must be a variable, got {old!r}")
        if not isinstance(new, Variable) or (strict and new.type != old.type):
            new = old.type.filter_variable(new)
        memo[old] = new
    outputs = [output] if isinstance(output, Variable) else list(output)

    def leaf(var: Variable) -> Variable:
        if keep_inputs or isinstance(var, Constant):
            return var
        return var.clone()

    for node in nodes_in_order(outputs, memo):
        inputs = [memo[v] if v in memo else memo.setdefault(v, leaf(v)) for v in node.inputs]
        new_node = node.clone_with_new_inputs(inputs, strict=strict)
        for old, new in zip(node.outputs, new_node.outputs):
            memo.setdefault(old, new)
    results = [memo[v] if v in memo else memo.setdefault(v, leaf(v)) for v in outputs]
    return results[0] if isinstance(output, Variable) else results


@overload
def graph_replace(
    outputs: Variable, replace: ReplaceTypes | None = None, *, strict: bool = True
) -> Variable: ...
@overload
def graph_replace(
    outputs: Sequence[Variable], replace: ReplaceTypes | None = None, *, strict: bool = True
) -> list[Variable]: ...
def graph_replace(
    outputs: Variable | Sequence[Variable],
    replace: ReplaceTypes | None = None,
    *,
    strict: bool = True,
) -> Variable | list[Variable]:
    """Replace variables in an expression; what doesn't depend on them is shared, not copied.

    Parameters
    ----------
    outputs : Variable or sequence of Variable
    replace : dict or iterable of pairs
        Maps variables to what takes their place, all at once.
    strict : bool
        Raise if a variable to be replaced isn't there.

    Raises
    ------
    ValueError
        If `strict` and a replacement has no effect.
    """
    mapping = _format_replace(replace)
    as_list = [outputs] if isinstance(outputs, Variable) else list(outputs)
    used: set[Variable] = set()
    memo: dict[Variable, Variable] = {}

    def result_of(var: Variable) -> Variable:
        if var in mapping:
            used.add(var)
            new = mapping[var]
            return new if isinstance(new, Variable) else var.type.filter_variable(new)
        return memo.get(var, var)

    for node in nodes_in_order(as_list, mapping):
        inputs = [result_of(var) for var in node.inputs]
        if all(new is old for new, old in zip(inputs, node.inputs)):
            continue
        new_node = node.clone_with_new_inputs(inputs)
        memo.update(zip(node.outputs, new_node.outputs))
    results = [result_of(var) for var in as_list]
    if strict and len(used) < len(mapping):
        unused = {old: new for old, new in mapping.items() if old not in used}
        raise ValueError(f"Some replacements were not used: {unused}")
    return results[0] if isinstance(outputs, Variable) else results


# --------------------------------------------------------------------------------------
# Batches
# --------------------------------------------------------------------------------------


@singledispatch
def _vectorize_node(op: Op, node: Apply, *batched_inputs: Variable) -> Apply | Sequence[Variable]:
    """Return a node that does for batches what `node` does for single things.

    Register a function for each class of Ops. Batch dimensions are on the left of those that
    `node` knows. The result is a node or a list of outputs.
    """
    raise NotImplementedError(f"[{op}] vectorize is not implemented")


@singledispatch
def _vectorize_lengths(op: Op, node: Apply, *batched_inputs: Variable) -> Sequence[Variable] | None:
    """Return outputs that all items of a batch have in common, or None where they may differ.

    Items of a batch have one shape: what is computed from lengths alone needs no batch dimensions.
    """
    return None


@singledispatch
def _repeat_over_batch(type_: Any, variable: Variable, batches: Sequence[tuple[Variable, int]]):
    """Return a result that all items have in common with batch dimensions.

    `batches` has variables whose leading dimensions, so many of them, are those of the batch.
    """
    return variable


def _vectorize_not_needed(op: Op, node: Apply, *batched_inputs: Variable) -> Apply:
    """Rule for Ops that work on batches as they are."""
    return op.make_node(*batched_inputs)


def vectorize_node(node: Apply, *batched_inputs: Variable) -> Apply | Sequence[Variable]:
    """Return a node, or outputs, that do for batches what `node` does for single things."""
    return _vectorize_node(node.op, node, *batched_inputs)


def vectorize_graph(
    outputs: Variable | Sequence[Variable], replace: Mapping[Variable, Variable]
) -> Variable | list[Variable]:
    """Return expressions that do for batches what `outputs` do for single things.

    Parameters
    ----------
    outputs : Variable or sequence of Variable
    replace : mapping
        Maps variables to batches of them, with the new dimensions on the left.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> x = pt.dvector("x")
    >>> rows = pt.dmatrix("rows")
    >>> vectorize_graph(pt.sum(x), {x: rows}).type.ndim
    1
    """
    as_list = [outputs] if isinstance(outputs, Variable) else list(outputs)
    if not all(isinstance(key, Variable) for key in replace):
        raise ValueError(f"[vectorize_graph] what is replaced must be variables, got {replace}")
    inputs = truncated_graph_inputs(as_list, ancestors_to_include=replace.keys())
    batched = {var: replace.get(var, var) for var in inputs}
    # What has batch dimensions, and what was computed from lengths of what has them.
    varying = {var for var in inputs if var in replace}
    common: dict[Variable, dict[Variable, int]] = {}
    for node in toposort(as_list, blockers=inputs):
        new_inputs = [batched.get(var, var) for var in node.inputs]
        varies = any(var in varying for var in node.inputs)
        sources = {k: n for var in node.inputs for k, n in common.get(var, {}).items()}
        new_outputs = _vectorize_lengths(node.op, node, *new_inputs) if varies else None
        if new_outputs is not None:
            ndim = new_inputs[0].type.ndim - node.inputs[0].type.ndim
            sources[new_inputs[0]] = ndim
            varies = not ndim
        elif varies:
            new = _vectorize_node(node.op, node, *new_inputs)
            new_outputs = new.outputs if isinstance(new, Apply) else new
        elif sources:
            new_outputs = node.clone_with_new_inputs(new_inputs, strict=False).outputs
        else:
            new_outputs = node.outputs
        if isinstance(new_outputs, Variable):
            new_outputs = [new_outputs]
        for old_out, new_out in zip(node.outputs, new_outputs, strict=True):
            # An output may have a replacement of its own.
            batched.setdefault(old_out, new_out)
            if varies or old_out in replace:
                varying.add(old_out)
            elif sources:
                common[old_out] = sources
    for var in as_list:
        if var in common:
            batched[var] = _repeat_over_batch(var.type, batched[var], list(common[var].items()))
    results = [batched.get(var, var) for var in as_list]
    return results[0] if isinstance(outputs, Variable) else results


def vectorize(*args, **kwargs):
    """Removed: use `vectorize_graph`, or `pytensor.tensor.vectorize` for functions."""
    raise NotImplementedError(
        "[vectorize] use vectorize_graph for expressions and tensor.vectorize for functions"
    )
