"""Graphs that can't change: equal structure means equal objects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any
from weakref import WeakValueDictionary

from pytensor.graph.basic import (
    AbstractApply,
    Apply,
    AtomicVariable,
    NominalVariable,
    Variable,
    nodes_in_order,
)
from pytensor.graph.fg import AbstractFunctionGraph, FunctionGraph, Output
from pytensor.graph.utils import MissingInputError, Scratchpad

__all__ = ["FrozenApply", "FrozenFunctionGraph"]


class FrozenApply(AbstractApply):
    """A node there is one of for each Op, inputs, output types and place in the order.

    Parameters
    ----------
    op : Op
    inputs : tuple of Variable
        Placeholders, constants and outputs of frozen nodes.
    output_types : tuple of Type
    topo_idx : int
        Place in the order, which keeps equal nodes apart; -1 makes them one.
    """

    interned = True
    _cache: WeakValueDictionary = WeakValueDictionary()

    def __new__(cls, op, inputs, output_types, topo_idx=-1):
        key = (op, tuple(_identity(var) for var in inputs), tuple(output_types), topo_idx)
        found = cls._cache.get(key)
        if found is None:
            found = cls._cache[key] = object.__new__(cls)
            found._fill(op, tuple(inputs), tuple(output_types), topo_idx)
        return found

    def __init__(self, op, inputs, output_types, topo_idx=-1):
        pass  # done once, by __new__

    def _fill(self, op, inputs, output_types, topo_idx):
        self.op = op
        self.inputs = inputs
        self.topo_idx = topo_idx
        self.tag = Scratchpad()
        self.outputs = tuple(
            t.variable_type(type=t, owner=self, index=i, name=None)
            for i, t in enumerate(output_types)
        )

    def __reduce__(self):
        types = tuple(out.type for out in self.outputs)
        return FrozenApply, (self.op, self.inputs, types, self.topo_idx)


def _identity(var: Variable):
    """Return what makes an input of a frozen node itself: equal constants are one."""
    if isinstance(var, AtomicVariable) and not isinstance(var, NominalVariable):
        return (type(var), var.merge_signature())
    return var


class FrozenFunctionGraph(AbstractFunctionGraph):
    """A graph that can't change, with placeholders as inputs; hashable.

    Graphs of equal structure are equal. Make one with `from_io` or ``FunctionGraph.freeze()``.

    Parameters
    ----------
    inputs : tuple of Variable
        Placeholders.
    toposort : tuple of FrozenApply
    output_nodes : tuple of Apply
        One `Output` node for each output.
    """

    def __init__(
        self,
        inputs: tuple[Variable, ...],
        toposort: tuple[AbstractApply, ...],
        output_nodes: tuple[Apply, ...],
    ):
        self.inputs = tuple(inputs)
        self._toposort = tuple(toposort)
        self.output_nodes = tuple(output_nodes)
        self.outputs = tuple(node.inputs[0] for node in self.output_nodes)
        self.apply_nodes = self._toposort
        self._key = (
            tuple(var.type for var in self.inputs),
            tuple(_identity(var) for var in self.outputs),
        )
        self._hash: int | None = None

    @classmethod
    def from_io(
        cls, inputs: Sequence[Variable], outputs: Sequence[Variable], dedup_nodes: bool = False
    ) -> FrozenFunctionGraph:
        """Freeze the graph between `inputs` and `outputs`.

        Parameters
        ----------
        inputs, outputs : sequence of Variable
        dedup_nodes : bool
            Make equal nodes one. Not for graphs in which nodes overwrite their inputs: each
            must have a buffer of its own.
        """
        order = nodes_in_order(outputs, set(inputs))
        return cls._freeze(inputs, outputs, order, dedup_nodes)

    @classmethod
    def from_toposort(
        cls, inputs: Sequence[Variable], outputs: Sequence[Variable], toposort: Sequence[Apply]
    ) -> FrozenFunctionGraph:
        """Freeze a graph together with the order of its nodes."""
        return cls._freeze(inputs, outputs, toposort, False)

    @classmethod
    def from_structural_inputs(
        cls, inputs: Sequence[Variable], outputs: Sequence[Variable]
    ) -> FrozenFunctionGraph:
        """Freeze `outputs` as a function of `inputs`, which may be expressions in them.

        An input that is computed is found in `outputs` by structure, not by identity.
        """
        leaves: dict[Variable, Variable] = {}
        frozen: dict[Variable, Variable] = {}

        def freeze_leaf(var: Variable) -> Variable:
            if var not in leaves:
                is_leaf = isinstance(var, AtomicVariable)
                leaves[var] = var if is_leaf else NominalVariable(("leaf", len(leaves)), var.type)
            return leaves[var]

        for node in nodes_in_order([*inputs, *outputs]):
            new = FrozenApply(
                node.op,
                [frozen[v] if v in frozen else freeze_leaf(v) for v in node.inputs],
                [out.type for out in node.outputs],
            )
            frozen.update(zip(node.outputs, new.outputs))
        frozen_inputs = [frozen[v] if v in frozen else freeze_leaf(v) for v in inputs]
        frozen_outputs = [frozen[v] if v in frozen else freeze_leaf(v) for v in outputs]
        return cls.from_io(frozen_inputs, frozen_outputs, dedup_nodes=True)

    @classmethod
    def _freeze(cls, inputs, outputs, toposort, dedup_nodes) -> FrozenFunctionGraph:
        """Rebuild nodes in order over placeholders."""
        new_inputs = tuple(NominalVariable(i, var.type) for i, var in enumerate(inputs))
        memo: dict[Variable, Variable] = {}
        for var, new_input in zip(inputs, new_inputs):
            memo.setdefault(var, new_input)

        def frozen(var: Variable) -> Variable:
            found = memo.get(var)
            if found is None:
                if not isinstance(var, AtomicVariable) or isinstance(var, NominalVariable):
                    raise MissingInputError(
                        f"Undeclared input: {var} is neither constant nor among the inputs",
                        variable=var,
                    )
                found = memo[var] = var
            return found

        order: dict[FrozenApply, None] = {}
        for i, node in enumerate(toposort):
            new = FrozenApply(
                node.op,
                [frozen(var) for var in node.inputs],
                [out.type for out in node.outputs],
                -1 if dedup_nodes else i,
            )
            order[new] = None
            for old_out, new_out in zip(node.outputs, new.outputs):
                memo.setdefault(old_out, new_out)
        output_nodes = tuple(Output(i).make_node(frozen(v)) for i, v in enumerate(outputs))
        return cls(new_inputs, tuple(order), output_nodes)

    def toposort(self) -> tuple[Any, ...]:
        return self._toposort

    @cached_property
    def variables(self) -> frozenset[Variable]:
        """All variables of the graph."""
        found = set(self.inputs).union(self.outputs)
        for node in self._toposort:
            found.update(node.inputs, node.outputs)
        return frozenset(found)

    @cached_property
    def clients(self) -> dict[Variable, list[tuple[AbstractApply, int]]]:
        """Who reads each variable, as in `FunctionGraph`."""
        result: dict[Variable, list[tuple[AbstractApply, int]]] = {var: [] for var in self.inputs}
        for node in self._toposort + self.output_nodes:
            for i, var in enumerate(node.inputs):
                result.setdefault(var, []).append((node, i))
            for var in node.outputs:
                result.setdefault(var, [])
        return result

    def bind(
        self,
        replace: Mapping[Variable, Variable] | Sequence[Variable],
        *,
        return_memo: bool = False,
    ):
        """Return the outputs as ordinary expressions of other variables.

        Parameters
        ----------
        replace : mapping or sequence
            A variable for each input: all of them in order, or by input, where KeyError says
            that one which is needed is missing.
        return_memo : bool
            Return also what became of each variable and node.
        """
        if not isinstance(replace, Mapping):
            replace = dict(zip(self.inputs, replace, strict=True))
        memo: dict = dict(replace)

        def bound(var: Variable) -> Variable:
            if var not in memo:
                if var.owner is not None or isinstance(var, NominalVariable):
                    raise KeyError(var)
                memo[var] = var
            return memo[var]

        for node in self._toposort:
            types = [out.type for out in node.outputs]
            outputs = [t.variable_type(type=t, owner=None, index=None, name=None) for t in types]
            new = Apply(node.op, [bound(var) for var in node.inputs], outputs)
            memo[node] = new
            for old_out, new_out in zip(node.outputs, new.outputs):
                memo.setdefault(old_out, new_out)
        outputs = [bound(var) for var in self.outputs]
        return (outputs, memo) if return_memo else outputs

    def unfreeze(self, *, return_memo: bool = False):
        """Return a `FunctionGraph` of the same structure, and with `return_memo` the mapping."""
        fresh = {var: var.type.make_variable() for var in self.inputs}
        outputs, memo = self.bind(fresh, return_memo=True)
        fgraph = FunctionGraph([fresh[var] for var in self.inputs], outputs, clone=False)
        return (fgraph, memo) if return_memo else fgraph

    def __eq__(self, other):
        if self is other:
            return True
        if not isinstance(other, FrozenFunctionGraph):
            return NotImplemented
        return self._key == other._key and self._toposort == other._toposort

    def __hash__(self):
        if self._hash is None:
            self._hash = hash(self._key)
        return self._hash

    def __repr__(self):
        return f"FrozenFunctionGraph(inputs={list(self.inputs)}, outputs={list(self.outputs)})"

    def __reduce__(self):
        # Nodes first, in order: pickle then never nests deeper than one node.
        return _rebuild_frozen, (self._toposort, self.inputs, self.outputs)


def _rebuild_frozen(toposort, inputs, outputs) -> FrozenFunctionGraph:
    nodes = tuple(Output(i).make_node(var) for i, var in enumerate(outputs))
    return FrozenFunctionGraph(inputs, toposort, nodes)
