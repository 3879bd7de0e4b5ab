"""Who may share memory with whom: inputs are protected, outputs belong to the caller."""

from collections.abc import Iterable, Sequence
from typing import Any

from pytensor.compile.io import SymbolicInput, SymbolicOutput
from pytensor.compile.ops import deep_copy_op, view_op
from pytensor.graph.basic import Constant, Variable
from pytensor.graph.features import AlreadyThere, Feature
from pytensor.graph.fg import FunctionGraph
from pytensor.graph.utils import InconsistencyError
from pytensor.link.schedule import storage_root


class Supervisor(Feature):
    """Refuses graphs in which a protected variable is overwritten.

    Parameters
    ----------
    protected : iterable of Variable
    """

    def __init__(self, protected: Iterable[Variable]) -> None:
        self.fgraph: FunctionGraph | None = None
        self.protected = list(protected)
        # What no node computes is its own memory: many inputs are told from what is overwritten
        # at once.
        self._leaves = frozenset(var for var in self.protected if var.owner is None)
        self._others = [var for var in self.protected if var.owner is not None]

    def clone(self) -> "Supervisor":
        return type(self)(self.protected)

    def on_attach(self, fgraph: FunctionGraph) -> None:
        if self.fgraph is not None:
            raise AlreadyThere("[Supervisor] watches a graph already")
        self.fgraph = fgraph

    def on_detach(self, fgraph: FunctionGraph) -> None:
        self.fgraph = None

    def on_validate(self, fgraph: FunctionGraph) -> None:
        if not hasattr(fgraph, "destroy_handler"):
            return
        overwritten = fgraph.destroy_handler.overwritten_roots()
        if not overwritten.isdisjoint(self._leaves) or fgraph.has_destroyers(self._others):
            raise InconsistencyError("Trying to destroy protected variables.")


def add_supervisor_to_fgraph(
    fgraph: FunctionGraph,
    input_specs: Sequence[SymbolicInput],
    accept_inplace: bool = False,
) -> None:
    """Protect the inputs of `fgraph` that may not be overwritten.

    Parameters
    ----------
    fgraph : FunctionGraph
    input_specs : sequence of SymbolicInput
        What is allowed, for each input of the graph.
    accept_inplace : bool
        Allow operations that overwrite inputs and are in the graph already.
    """
    overwritten: set[Variable] = set()
    for node in fgraph.apply_nodes:
        for targets in node.op.destroy_map.values():
            if not accept_inplace:
                raise TypeError(f"Graph must not contain inplace operations: {node}")
            overwritten.update(storage_root(node.inputs[i]) for i in targets)
    fgraph.attach_feature(
        Supervisor(
            variable
            for spec, variable in zip(input_specs, fgraph.inputs, strict=True)
            if not (spec.mutable or variable in overwritten)
        )
    )


def alias_root(v: Variable) -> Variable:
    """Return the variable whose memory `v` is, through views and overwrites."""
    return storage_root(v)


def view_tree_set(fgraph: FunctionGraph, v: Variable, treeset: set[Variable]) -> None:
    """Add `v` and everything that may share its memory, downstream, to `treeset`."""
    pending = [v]
    treeset.add(v)
    while pending:
        variable = pending.pop()
        for client, index in fgraph.clients[variable]:
            for aliases in (client.op.view_map, client.op.destroy_map):
                for output, sources in aliases.items():
                    new = client.outputs[output]
                    if index in sources and new not in treeset:
                        treeset.add(new)
                        pending.append(new)


def infer_reuse_pattern(
    fgraph: FunctionGraph, outputs_to_disown: Iterable[Variable]
) -> set[Variable]:
    """Return the variables that share memory with outputs given away, which must not be reused."""
    disowned: set[Variable] = set()
    for variable in outputs_to_disown:
        view_tree_set(fgraph, alias_root(variable), disowned)
    return {v for v in disowned if v.owner is not None}


def insert_deepcopy(
    fgraph: FunctionGraph,
    wrapped_inputs: Sequence[SymbolicInput],
    wrapped_outputs: Sequence[SymbolicOutput],
) -> None:
    """Copy outputs that would share memory with one another, with an input or with a constant.

    Two outputs, or an output and an input, may share memory if both were declared ``borrow``. An
    input that is updated gives its old value away, so outputs may be that value.
    """
    inputs = dict(zip(fgraph.inputs, wrapped_inputs, strict=True))
    roots = [alias_root(output) for output in fgraph.outputs]
    following: dict[Variable, int] = {}
    next_alias: list[int | None] = [None] * len(roots)
    for i in reversed(range(len(roots))):
        next_alias[i] = following.get(roots[i])
        following[roots[i]] = i
    for i, (output, root) in enumerate(zip(list(fgraph.outputs), roots, strict=True)):
        borrow = wrapped_outputs[i].borrow
        later, spec = next_alias[i], inputs.get(root)
        if later is not None:
            op = view_op if borrow and wrapped_outputs[later].borrow else deep_copy_op
        elif isinstance(root, Constant) or (
            spec is not None and spec.update is None and not (borrow and spec.borrow)
        ):
            op = deep_copy_op
        else:
            continue
        copied: Any = op(output)
        fgraph.change_node_input(*fgraph.get_output_client(i), copied, reason="insert_deepcopy")
