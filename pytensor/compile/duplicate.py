"""Copies of what a function was made of, for `Function.copy` and pickles."""

import copy
from collections.abc import Sequence
from typing import Any

from pytensor.compile.io import SymbolicInput, SymbolicOutput
from pytensor.compile.sharedvalue import SharedVariable
from pytensor.graph.basic import Variable, clone_get_equiv
from pytensor.graph.destroyhandler import DestroyHandler
from pytensor.graph.fg import FunctionGraph


def rewired_outputs(
    old: Sequence[Variable], new: Sequence[Variable], outputs: Sequence[Variable]
) -> list[Variable]:
    """Copy the graph of `outputs` with `new` inputs instead of `old` ones."""
    memo = dict(zip(old, new, strict=True))
    equiv = clone_get_equiv(old, outputs, copy_orphans=False, memo=memo)
    return [equiv[output] for output in outputs]


def swapped(specs: Sequence[SymbolicInput], swap: dict[Any, SharedVariable]) -> list[SymbolicInput]:
    """Copy the specifications, with shared variables replaced as `swap` says."""
    swap = dict(swap)
    result = []
    for old in specs:
        spec = copy.copy(old)
        key = old.variable if old.variable in swap else old.name
        if spec.implicit and key in swap:
            new = swap.pop(key)
            if new.type != old.variable.type:
                raise TypeError(
                    f"[Function.copy] {old.variable} must be swapped for a variable of type "
                    f"{old.variable.type}, got {new.type}"
                )
            spec.variable, spec.name, spec.value = new, new.name, new.container
        result.append(spec)
    if swap:
        raise ValueError(f"[Function.copy] not shared variables of the function: {list(swap)}")
    return result


def copied_graph(
    fgraph: FunctionGraph, old: Sequence[Variable], now: Sequence[Variable]
) -> FunctionGraph:
    """Copy a rewritten graph; where `now` differs from `old`, it becomes the input."""
    inputs = [
        (mine if before is after else after).clone()
        for mine, before, after in zip(fgraph.inputs, old, now, strict=True)
    ]
    new = FunctionGraph(
        inputs,
        rewired_outputs(fgraph.inputs, inputs, fgraph.outputs),
        clone=False,
        update_mapping=dict(fgraph.update_mapping),
    )
    if hasattr(fgraph, "destroyers"):
        new.attach_feature(DestroyHandler())
    return new


def written_graph(
    inputs: Sequence[SymbolicInput], outputs: Sequence[SymbolicOutput]
) -> tuple[FunctionGraph, list[SymbolicInput], list[SymbolicOutput]]:
    """Return the graph as the user wrote it, as a `FunctionGraph`, and specifications over it.

    A `FunctionGraph` pickles without recursion, variables alone do not.
    """
    updates = [spec.update for spec in inputs if spec.update is not None]
    graph = FunctionGraph(
        [spec.variable for spec in inputs], [o.variable for o in outputs] + updates, clone=True
    )
    specs = swapped(inputs, {})
    found = iter(graph.outputs[len(outputs) :])
    for spec, variable in zip(specs, graph.inputs, strict=True):
        spec.variable = variable
        if spec.update is not None:
            spec.update = next(found)
        # The values travel with the function; what remains is whether there is one.
        spec.value = None if spec.value is None else True
    new_outputs = [
        SymbolicOutput(variable, o.borrow) for variable, o in zip(graph.outputs, outputs)
    ]
    return graph, specs, new_outputs
