"""A graph with a boundary that can be changed in place: `FunctionGraph`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from pytensor.configdefaults import config
from pytensor.graph.basic import Apply, AtomicVariable, Variable, clone_get_equiv, nodes_in_order
from pytensor.graph.clients import Clients, Output
from pytensor.graph.features import AlreadyThere, Feature, ReplaceValidate
from pytensor.graph.traversal import io_toposort
from pytensor.graph.utils import CycleError, MissingInputError, user_line
from pytensor.utils import OrderedSet, late

__all__ = [
    "AbstractFunctionGraph",
    "Clients",
    "FunctionGraph",
    "MissingInputError",
    "Output",
]


class AbstractFunctionGraph(ABC):
    """What graphs with inputs and outputs have in common, whether they can change or not."""

    inputs: Sequence[Variable]
    outputs: Sequence[Variable]

    @abstractmethod
    def toposort(self) -> Sequence[Apply]:
        """Return the nodes, each after the nodes it needs."""


_VALIDATES = frozenset(name for name in ReplaceValidate.provides if name.startswith("replace"))


class FunctionGraph(AbstractFunctionGraph):
    """The graph between `inputs` and `outputs`, which knows who reads each variable.

    Features listen to every change and may forbid it (see `pytensor.graph.features`).

    Parameters
    ----------
    inputs : sequence of Variable, optional
        What counts as known; found from `outputs` if None.
    outputs : sequence of Variable
    features : sequence of Feature, optional
    clone : bool
        Work on a copy. Otherwise the nodes given are changed themselves.
    update_mapping : dict, optional
        Maps positions of outputs to positions of the inputs they update.
    clone_kwds
        Passed to `pytensor.graph.basic.clone_get_equiv`, for example ``copy_inputs=False``.

    Attributes
    ----------
    inputs, outputs : list of Variable
    clients : dict
        Maps each variable to pairs of a node that reads it and the position where. A graph
        output is read by an `Output` node.
    apply_nodes, variables : set
        In order of arrival.
    facts : dict
        What was worked out about the graph as it is, by name; every change empties it.
    """

    if TYPE_CHECKING:  # what attached features provide
        destroyers: Callable[..., list[Apply]]
        has_destroyers: Callable[..., bool]
        replace_validate: Callable[..., None]
        replace_all_validate: Callable[..., None]

    def __init__(
        self,
        inputs: Sequence[Variable] | None = None,
        outputs: Sequence[Variable] | None = None,
        features: Sequence[Feature] | None = None,
        clone: bool = True,
        update_mapping: dict[int, int] | None = None,
        **clone_kwds,
    ):
        if outputs is None:
            raise ValueError("[FunctionGraph] outputs must be given, got None")
        if inputs is None:
            reached = late("pytensor.graph.traversal:graph_inputs")(outputs)
            inputs = [var for var in reached if not isinstance(var, AtomicVariable)]
        if clone:
            memo = clone_get_equiv(inputs, outputs, **clone_kwds)
            inputs = [memo[var] for var in inputs]
            outputs = [memo[var] for var in outputs]
        self._features: list[Feature] = []
        self._callbacks: dict[str, list] = {}
        self.facts: dict[str, Any] = {}
        self.execute_callbacks_times: dict[Feature, float] = {}
        self.execute_callbacks_time = 0.0
        self.inputs: list[Variable] = []
        self.outputs: list[Variable] = []
        self.output_nodes: list[Apply] = []
        self.variables: OrderedSet = OrderedSet()
        self.apply_nodes: OrderedSet = OrderedSet()
        self.clients: dict[Variable, Clients] = {}
        self.update_mapping = {} if update_mapping is None else update_mapping
        for feature in features or ():
            self.attach_feature(feature)
        for var in inputs:
            self.add_input(var, check=False)
        for var in outputs:
            self.add_output(var, reason="init")

    # -- inputs and outputs -------------------------------------------------------------

    def add_input(self, var: Variable, check: bool = True) -> None:
        """Add an input; with `check`, do nothing if it is one already."""
        if check and var in self.inputs:
            return
        if var.owner is not None:
            raise ValueError(
                f"[FunctionGraph] inputs must not be computed, got {var}, the output of "
                f"{var.owner}; use clone=True to cut the graph there"
            )
        self.inputs.append(var)
        self._add_variable(var)

    def add_output(
        self, var: Variable, reason: str | None = None, import_missing: bool = False
    ) -> None:
        """Add an output, and the nodes it needs."""
        node = Output(len(self.outputs)).make_node(var)
        self.import_var(var, reason=reason, import_missing=import_missing)
        self.outputs.append(var)
        self.output_nodes.append(node)
        self.clients[var][(node, 0)] = None
        self.facts.clear()

    def remove_output(
        self, output_idx: int, reason: str | None = None, remove_client: bool = True
    ) -> None:
        """Remove output number `output_idx`, and the nodes only it needs."""
        var = self.outputs.pop(output_idx)
        node = self.output_nodes.pop(output_idx)
        for i, later in enumerate(self.output_nodes[output_idx:], output_idx):
            later.op = Output(i)
        self.facts.clear()
        self.update_mapping = {
            (o - 1 if o > output_idx else o): i
            for o, i in self.update_mapping.items()
            if o != output_idx
        }
        if remove_client:
            self.remove_client(var, (node, 0), reason=reason, remove_if_empty=True)

    def remove_input(self, input_idx: int, reason: str | None = None) -> None:
        """Remove input number `input_idx`, and everything computed from it."""
        var = self.inputs.pop(input_idx)
        self.update_mapping = {
            o: (i - 1 if i > input_idx else i)
            for o, i in self.update_mapping.items()
            if i != input_idx
        }
        while self.clients.get(var):
            self._remove_client_node(self.clients[var][0][0], reason)
        self.clients.pop(var, None)
        self.variables.discard(var)
        self.facts.clear()

    def get_output_client(self, i: int) -> tuple[Apply, int]:
        """Return the pair by which output number `i` reads its variable."""
        return self.output_nodes[i], 0

    # -- clients ------------------------------------------------------------------------

    def get_clients(self, var: Variable) -> Clients:
        """Return who reads `var`."""
        return self.clients[var]

    def add_client(self, var: Variable, new_client: tuple[Apply, int]) -> None:
        """Note that a node reads `var`."""
        if not isinstance(new_client[0].op, Output) and new_client[0] not in self.apply_nodes:
            raise ValueError(f"[FunctionGraph] client must be in the graph, got {new_client[0]}")
        self.clients[var].append(new_client)
        self.facts.clear()

    def remove_client(
        self,
        var: Variable,
        client_to_remove: tuple[Apply, int],
        reason: str | None = None,
        remove_if_empty: bool = False,
    ) -> None:
        """Note that a node doesn't read `var` any more.

        Nodes that nobody reads then leave the graph. So does `var` itself with
        `remove_if_empty`, unless it is an input.
        """
        removals = [(var, client_to_remove)]
        while removals:
            var, client = removals.pop()
            clients = self.clients[var]
            clients.pop(client, None)
            self.facts.clear()
            if clients:
                continue
            owner = var.owner
            if owner is not None:
                if any(self.clients[out] for out in owner.outputs):
                    continue
                self.apply_nodes.discard(owner)
                self.variables.difference_update(owner.outputs)
                for out in owner.outputs:
                    del self.clients[out]
                self.execute_callbacks("on_prune", owner, reason)
                removals.extend((v, (owner, i)) for i, v in enumerate(owner.inputs))
            elif remove_if_empty and (isinstance(var, AtomicVariable) or var not in self.inputs):
                del self.clients[var]
                self.variables.discard(var)

    # -- growing ------------------------------------------------------------------------

    def _add_variable(self, var: Variable) -> None:
        self.variables[var] = None
        self.clients.setdefault(var, Clients())

    def import_var(
        self, var: Variable, reason: str | None = None, import_missing: bool = False
    ) -> None:
        """Bring a variable and the nodes that compute it into the graph."""
        if var in self.variables:
            return
        if var.owner is not None:
            self.import_node(var.owner, reason=reason, import_missing=import_missing)
        elif isinstance(var, AtomicVariable):
            self._add_variable(var)
        elif import_missing:
            self.add_input(var)
        else:
            raise MissingInputError(f"Undeclared input: {var}", variable=var)

    def import_node(
        self,
        apply_node: Apply,
        check: bool = True,
        reason: str | None = None,
        import_missing: bool = False,
    ) -> None:
        """Bring a node, and the nodes it needs, into the graph.

        Raises
        ------
        MissingInputError
            If something needed is neither computed, nor constant, nor an input; unless
            `import_missing`, which makes it an input. Nothing has changed then.
        """
        known = self.variables
        if apply_node.outputs and apply_node.outputs[0] in known:
            return
        new_nodes = nodes_in_order(apply_node.outputs[:1], known)
        if not apply_node.outputs:
            new_nodes = [*nodes_in_order(apply_node.inputs, known), apply_node]
        if check:
            self._check_inputs_known(new_nodes, import_missing)
        on_import = self._callbacks.get("on_import")
        for node in new_nodes:
            self.apply_nodes[node] = None
            for out in node.outputs:
                self._add_variable(out)
            for i, var in enumerate(node.inputs):
                if var not in known:
                    self._add_variable(var)
                self.clients[var][(node, i)] = None
        self.facts.clear()
        if on_import:
            for node in new_nodes:
                self.execute_callbacks("on_import", node, reason)

    def _check_inputs_known(self, nodes: list[Apply], import_missing: bool) -> None:
        """Raise for leaves that nobody gives, or make them inputs."""
        known = self.variables
        for node in nodes:
            for i, var in enumerate(node.inputs):
                if var.owner is None and var not in known and not isinstance(var, AtomicVariable):
                    if import_missing:
                        self.add_input(var)
                        continue
                    raise MissingInputError(
                        f"Input {i} ({var}) of the graph (indices start from 0), used to compute "
                        f"{node}, was not provided and not given a value.",
                        variable=var,
                    )

    # -- changing -----------------------------------------------------------------------

    def change_node_input(
        self,
        node: Apply,
        i: int,
        new_var: Variable,
        reason: str | None = None,
        import_missing: bool = False,
        check: bool = True,
    ) -> None:
        """Make `node` read `new_var` as its input number `i`.

        Parameters
        ----------
        node : Apply
            A node of the graph, or the `Output` node of an output.
        i : int
        new_var : Variable
        reason : str, optional
            Told to features.
        import_missing : bool
            Make unknown leaves of `new_var` inputs.
        check : bool
            Demand that the type of `new_var` fits that of the old input.
        """
        old = node.inputs[i]
        if old is new_var:
            return
        if check and not old.type.is_super(new_var.type):
            raise TypeError(
                f"[FunctionGraph] replacement must be of type {old.type}, got {new_var.type} "
                f"({old} -> {new_var}, reason: {reason})"
            )
        if new_var not in self.variables:
            self.import_var(new_var, reason=reason, import_missing=import_missing)
        node.inputs[i] = new_var
        if isinstance(node.op, Output):
            self.outputs[node.op.idx] = new_var
        self.clients[new_var][(node, i)] = None
        self.remove_client(old, (node, i), reason=reason, remove_if_empty=True)
        # The change is complete before features hear of it: they may look at the graph.
        self.execute_callbacks("on_change_input", node, i, old, new_var, reason=reason)

    def replace(
        self,
        var: Variable,
        new_var: Variable,
        reason: str | None = None,
        verbose: bool | None = None,
        import_missing: bool = False,
    ) -> None:
        """Make everything that reads `var` read `new_var`.

        `new_var` may be computed from `var`. Nothing happens if `var` is not in the graph.
        """
        if verbose is None:
            verbose = config.optimizer_verbose
        if verbose:
            print(f"rewriting: {reason} replaces {var} of {var.owner} with {new_var}")
            if where := user_line(var):
                print(f"  made in  {where}")
        if var.type != new_var.type:
            new_var = var.type.filter_variable(new_var, allow_convert=True)
        clients = self.clients.get(var)
        if not clients or var is new_var:
            return
        for node, i in list(clients):
            # An earlier change may have made this reader superfluous.
            if (node, i) in self.clients.get(var, ()):
                self.change_node_input(
                    node, i, new_var, reason=reason, import_missing=import_missing, check=False
                )

    def replace_all(self, pairs: Iterable[tuple[Variable, Variable]], **kwargs) -> None:
        """Call `replace` for each pair, in order."""
        for var, new_var in pairs:
            self.replace(var, new_var, **kwargs)

    def remove_node(self, node: Apply, reason: str | None = None) -> None:
        """Remove a node, all that is computed from it, and what only it needed.

        Graph outputs computed from it are removed too.
        """
        if node in self.apply_nodes:
            self._remove_client_node(node, reason)

    def _remove_client_node(self, node: Apply, reason: str | None) -> None:
        """Remove a node with its readers, readers first."""
        stack = [node]
        while stack:
            node = stack[-1]
            if isinstance(node.op, Output):
                stack.pop()
                if self.output_nodes.count(node):
                    self.remove_output(self.output_nodes.index(node), reason=reason)
                continue
            if node not in self.apply_nodes:
                stack.pop()
                continue
            readers = [c for out in node.outputs for c, _ in self.clients[out]]
            if readers:
                stack.extend(readers)
                continue
            stack.pop()
            self.apply_nodes.discard(node)
            self.variables.difference_update(node.outputs)
            for out in node.outputs:
                del self.clients[out]
            self.facts.clear()
            self.execute_callbacks("on_prune", node, reason)
            for i, var in enumerate(node.inputs):
                self.remove_client(var, (node, i), reason=reason, remove_if_empty=True)

    # -- features -----------------------------------------------------------------------

    def __getattr__(self, name: str):
        """Attach what replaces and validates when it is first asked for: any graph has it."""
        if name in _VALIDATES and "_features" in self.__dict__:
            self.attach_feature(ReplaceValidate())
            if name in self.__dict__:
                return self.__dict__[name]
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def attach_feature(self, feature: Feature) -> None:
        """Let `feature` listen; does nothing if its like is attached already."""
        if feature in self._features:
            return
        try:
            feature.on_attach(self)
        except AlreadyThere:
            return
        self._features.append(feature)
        self.execute_callbacks_times.setdefault(feature, 0.0)
        self._index_callbacks()

    def remove_feature(self, feature: Feature) -> None:
        """Detach `feature`, if it is attached."""
        if feature not in self._features:
            return
        self._features.remove(feature)
        self._index_callbacks()
        feature.on_detach(self)

    def _index_callbacks(self) -> None:
        """Find out once which features listen to what; most listen to little."""
        self._callbacks.clear()
        for feature in self._features:
            for name in feature._feature_callbacks:
                self._callbacks.setdefault(name, []).append(feature)

    def execute_callbacks(self, name: str, *args, **kwargs) -> None:
        """Call method `name` of the features that define it, in order of attachment."""
        features = self._callbacks.get(name)
        if features:
            # Attaching and detaching makes new lists.
            for feature in features:
                getattr(feature, name)(self, *args, **kwargs)

    def collect_callbacks(self, name: str, *args) -> dict[Feature, Any]:
        """Call method `name` of the features that define it; return what each gave."""
        return {f: getattr(f, name)(self, *args) for f in self._callbacks.get(name, ())}

    # -- looking ------------------------------------------------------------------------

    def toposort(self) -> list[Apply]:
        """Return the nodes, each after the nodes it needs and as features demand."""
        if self._callbacks.get("orderings"):
            return io_toposort(self.inputs, self.outputs, self.orderings())
        order = self.facts.get("order")
        if order is None:
            order = self.facts["order"] = nodes_in_order(self.outputs)
        return list(order)

    def orderings(self) -> dict[Apply, list[Apply]]:
        """Return what features demand: a map from nodes to nodes that must come before."""
        merged: dict[Apply, list[Apply]] = {}
        for orderings in self.collect_callbacks("orderings").values():
            for node, before in orderings.items():
                merged.setdefault(node, []).extend(before)
        return merged

    def check_integrity(self) -> None:
        """Raise if the books (`clients`, `variables`, `apply_nodes`) don't fit the graph."""
        nodes = io_toposort(self.inputs, self.outputs)
        if set(nodes) != set(self.apply_nodes):
            odd = set(nodes) ^ set(self.apply_nodes)
            raise RuntimeError(f"[FunctionGraph] nodes must be those of the outputs, odd: {odd}")
        wanted: dict[Variable, set] = {var: set() for var in self.inputs}
        for node in [*nodes, *self.output_nodes]:
            for i, var in enumerate(node.inputs):
                wanted.setdefault(var, set()).add((node, i))
            for var in node.outputs:
                wanted.setdefault(var, set())
        if wanted.keys() != set(self.variables):
            odd = wanted.keys() ^ set(self.variables)
            raise RuntimeError(f"[FunctionGraph] variables must be those in use, odd: {odd}")
        for var, clients in wanted.items():
            if clients != set(self.clients[var]):
                raise RuntimeError(
                    f"[FunctionGraph] clients of {var} must be {clients}, got {self.clients[var]}"
                )
            if var.owner is None and not isinstance(var, AtomicVariable) and var not in self.inputs:
                raise MissingInputError(f"Undeclared input: {var}", variable=var)

    def __repr__(self) -> str:
        try:
            texts = late("pytensor.graph.text:as_string")(self.inputs, self.outputs)
        except CycleError as error:
            texts = [f"<{error}>"]
        return f"FunctionGraph({', '.join(texts)})"

    def dprint(self, **kwargs):
        """Print the graph as a tree; see `pytensor.printing.debugprint`."""
        return late("pytensor.printing:debugprint")(self, **kwargs)

    # -- copies -------------------------------------------------------------------------

    def clone(self, check_integrity: bool = True, clone_inner_graphs=None) -> FunctionGraph:
        """Return a copy with copies of the features."""
        return self.clone_get_equiv(check_integrity)[0]

    def clone_get_equiv(
        self, check_integrity: bool = True, attach_feature: bool = True, **kwargs
    ) -> tuple[FunctionGraph, dict]:
        """Return a copy, and what became of each variable and node."""
        equiv = clone_get_equiv(self.inputs, self.outputs, **kwargs)
        new = type(self)(
            [equiv[var] for var in self.inputs],
            [equiv[var] for var in self.outputs],
            clone=False,
            update_mapping=dict(self.update_mapping),
        )
        if check_integrity:
            new.check_integrity()
        if attach_feature:
            for feature in self._features:
                new.attach_feature(feature.clone())
        return new, equiv

    def freeze(self):
        """Return an unchangeable graph that equals every other graph of the same structure."""
        return late("pytensor.graph.frozen:FrozenFunctionGraph").from_io(self.inputs, self.outputs)

    def __getstate__(self):
        # Nodes come first and in topological order: then pickle never nests deeper than one
        # node, however long the chain. Books and features are built anew.
        provided = {name for f in self._features for name in f.provides}
        provided |= {"_no_output_from_inplace", "_no_output_inplace_on_input", "destroy_handler"}
        books = {"_features", "_callbacks", "facts", "variables", "apply_nodes", "clients"}
        books |= {"inputs", "outputs", "output_nodes", "execute_callbacks_times"}
        rest = {k: v for k, v in self.__dict__.items() if k not in books and k not in provided}
        return {
            "nodes": nodes_in_order(self.outputs),
            "inputs": self.inputs,
            "outputs": self.outputs,
            "features": [feature.clone() for feature in self._features],
            "rest": rest,
        }

    def __setstate__(self, state):
        self.__init__(state["inputs"], state["outputs"], clone=False)
        self.__dict__.update(state["rest"])
        for feature in state["features"]:
            self.attach_feature(feature)

    def __contains__(self, item: Variable | Apply) -> bool:
        """Tell whether a variable or node is in the graph."""
        if isinstance(item, Variable):
            return item in self.variables
        if isinstance(item, Apply):
            return item in self.apply_nodes
        raise TypeError(f"[FunctionGraph] item must be a variable or node, got {item!r}")


def __getattr__(name: str):
    """Serve `FrozenFunctionGraph`, which builds on this module."""
    if name == "FrozenFunctionGraph":
        return late("pytensor.graph.frozen:FrozenFunctionGraph")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
