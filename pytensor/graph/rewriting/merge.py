"""Give equal computations one node: same op on the same inputs, and equal constants."""

from __future__ import annotations

from pytensor.graph.basic import Apply, AtomicVariable, Variable
from pytensor.graph.features import AlreadyThere, Feature
from pytensor.graph.fg import FunctionGraph
from pytensor.graph.rewriting.rewriters import GraphRewriter, attach_if_absent
from pytensor.graph.rewriting.stack_trace import copy_stack_trace
from pytensor.graph.utils import InconsistencyError


class MergeFeature(Feature):
    """Keep a table of the computations in a graph and a list of nodes not yet looked up."""

    def on_attach(self, fgraph):
        if hasattr(fgraph, "merge_feature"):
            raise AlreadyThere()
        fgraph.merge_feature = self
        # Nodes whose key is not in the table yet. They are taken from the end (taking from
        # the front of a dict is not constant time), where the inputs of the others are.
        self.pending: dict[Apply, None] = dict.fromkeys(reversed(fgraph.toposort()))
        self.nodes: dict[tuple, Apply] = {}
        self.keys: dict[Apply, tuple] = {}
        self.constants: dict = {}
        self.new_constants: dict[AtomicVariable, None] = {}
        for var in fgraph.variables:
            if isinstance(var, AtomicVariable):
                self.new_constants[var] = None

    def clone(self):
        return type(self)()

    def on_detach(self, fgraph):
        if getattr(fgraph, "merge_feature", None) is self:
            del fgraph.merge_feature

    def on_import(self, fgraph, node, reason):
        self.pending[node] = None
        for var in node.inputs:
            if isinstance(var, AtomicVariable):
                self.new_constants[var] = None

    def on_change_input(self, fgraph, node, i, r, new_r, reason):
        if isinstance(node, Apply):
            self._forget(node)
            self.pending[node] = None
        if isinstance(new_r, AtomicVariable):
            self.new_constants[new_r] = None

    def on_prune(self, fgraph, node, reason):
        self.pending.pop(node, None)
        self._forget(node)

    def _forget(self, node) -> None:
        key = self.keys.pop(node, None)
        if key is not None and self.nodes.get(key) is node:
            del self.nodes[key]

    def process_atomic(self, fgraph, c):
        """Return the constant equal to `c` seen first, ``None`` if `c` is the first."""
        if not isinstance(c, AtomicVariable) or c not in fgraph.clients:
            return None
        try:
            signature = c.signature()
            first = self.constants.setdefault(signature, c)
        except TypeError:
            # Data without a hash has nothing to be recognised by.
            return None
        if first is c:
            return None
        if first not in fgraph.clients:
            # The earlier one has left the graph.
            self.constants[signature] = c
            return None
        return first if first.type == c.type else None

    def process_node(self, fgraph, node):
        """Return the node that computes the same as `node`, ``None`` if there is no other."""
        key = (node.op, *node.inputs)
        first = self.nodes.setdefault(key, node)
        self.keys[node] = key
        return None if first is node else first


class MergeOptimizer(GraphRewriter):
    """Merge equal constants and nodes that apply equal ops to the same inputs.

    The work done by a second call is proportional to what changed since the first.
    """

    def add_requirements(self, fgraph):
        super().add_requirements(fgraph)
        if not hasattr(fgraph, "merge_feature"):
            attach_if_absent(fgraph, MergeFeature())

    def apply(self, fgraph):
        feature = fgraph.merge_feature
        # With in-place ops in the graph a merge can join two destroyers of one buffer.
        validate = hasattr(fgraph, "destroy_handler")
        while feature.new_constants or feature.pending:
            if feature.new_constants:
                constant = feature.new_constants.popitem()[0]
                same = feature.process_atomic(fgraph, constant)
                if same is not None:
                    self._replace(fgraph, [(constant, same)], validate)
                continue
            node = feature.pending.popitem()[0]
            same = feature.process_node(fgraph, node)
            if same is not None:
                self._merge(fgraph, feature, node, same, validate)
        return None

    def _merge(self, fgraph, feature, node: Apply, same: Apply, validate: bool) -> None:
        pairs = _mergeable(node, same)
        if pairs is None:
            # `node` may replace `same` where its types are the more precise ones.
            pairs = _mergeable(same, node)
            if pairs is None:
                return
            feature.nodes[feature.keys[node]] = node
            node, same = same, node
        clients = fgraph.clients
        pairs = [(old, new) for old, new in pairs if clients.get(old)]
        if pairs and validate and (_is_destroyed(fgraph, node) or _is_destroyed(fgraph, same)):
            return
        for old, new in pairs:
            _carry_over(old, new)
        if pairs:
            self._replace(fgraph, pairs, validate)

    @staticmethod
    def _replace(fgraph: FunctionGraph, pairs: list, validate: bool) -> bool:
        if not validate:
            for old, new in pairs:
                fgraph.replace(old, new, reason="MergeOptimizer")
            return True
        try:
            fgraph.replace_all_validate(pairs, reason="MergeOptimizer")
        except InconsistencyError:
            return False
        return True


def _mergeable(node: Apply, same: Apply) -> list[tuple[Variable, Variable]] | None:
    pairs = list(zip(node.outputs, same.outputs, strict=True))
    for old, new in pairs:
        if old.type != new.type and not old.type.is_super(new.type):
            return None
    return pairs


def _is_destroyed(fgraph, node: Apply) -> bool:
    """Return whether somebody writes over an output of `node`."""
    return any(fgraph.destroy_handler.destroyers(fgraph, var) for var in node.outputs)


def _carry_over(old: Variable, new: Variable) -> None:
    if old.name and not new.name:
        new.name = old.name
    if getattr(new.tag, "trace", None) != getattr(old.tag, "trace", None):
        copy_stack_trace(old, new)


def pre_constant_merge(fgraph, variables):
    """Use the graph's own constants in expressions that are not part of the graph yet.

    Changes the nodes in place, and leaves nodes that belong to `fgraph` alone.
    """
    known = fgraph.merge_feature.constants if hasattr(fgraph, "merge_feature") else {}
    seen = set()

    def merged(var):
        if not isinstance(var, AtomicVariable):
            return var
        first = known.get(var.signature(), var)
        return first if first is var or first in fgraph.clients else var

    stack = [var for var in variables if isinstance(var, Variable)]
    while stack:
        node = stack.pop().owner
        if node is None or node in seen or node in fgraph.apply_nodes:
            continue
        seen.add(node)
        for i, var in enumerate(node.inputs):
            node.inputs[i] = merged(var)
            stack.append(var)
    return [merged(var) for var in variables]
