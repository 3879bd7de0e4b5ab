"""Ops made of graphs: `OpFromGraph` and `SymbolicOp`."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from pytensor.compile.inner_function import HasInnerFunction
from pytensor.compile.sharedvalue import SharedVariable
from pytensor.gradient import pushforward as graph_pushforward
from pytensor.gradient.walk import _reverse
from pytensor.graph.basic import Apply, Constant, Variable
from pytensor.graph.fg import FunctionGraph
from pytensor.graph.frozen import FrozenFunctionGraph
from pytensor.graph.null_type import DisconnectedType, NullType, disconnected_type
from pytensor.graph.op import Op, io_connection_pattern
from pytensor.graph.replace import clone_replace
from pytensor.graph.traversal import graph_inputs, io_toposort
from pytensor.graph.utils import MissingInputError
from pytensor.utils import late

Override = Callable[..., Any] | Sequence[Any] | Op | None


def infer_shape(
    outs: Sequence[Variable], inputs: Sequence[Variable], input_shapes: Sequence[Any]
) -> list[Any]:
    """Return the shapes of `outs` as expressions in the shapes (and values) of `inputs`.

    Shapes are tuples of scalar variables, or None for what has no shape.
    """
    shape_feature = late("pytensor.tensor.rewriting.shape:ShapeFeature")()
    graph = FunctionGraph([], [])
    shape_feature.on_attach(graph)
    for variable, shape in zip(inputs, input_shapes, strict=True):
        shape_feature.set_shape(variable, shape)
    for node in io_toposort(inputs, outs):
        shape_feature.on_import(graph, node, reason="infer_shape")
    return [
        tuple(shape_feature.shape_of[o]) if shape_feature.shape_of.get(o) is not None else None
        for o in outs
    ]


def construct_nominal_fgraph(
    inputs: Sequence[Variable], outputs: Sequence[Variable], *, replace: Any = None
) -> FunctionGraph:
    """Return a graph of `outputs` over fresh `inputs`, with `replace` applied first."""
    if replace:
        replaced: Any = clone_replace(list(outputs), replace)
        outputs = replaced
    return FrozenFunctionGraph.from_io(inputs, outputs).unfreeze()


def _check_closed(inputs: Sequence[Variable], outputs: Sequence[Variable]) -> None:
    given = set(inputs)
    for variable in graph_inputs(outputs, blockers=inputs):
        if isinstance(variable, Constant) or variable in given:
            continue
        if isinstance(variable, SharedVariable):
            raise MissingInputError(
                f"Inner graph implicitly depends on shared variable {variable}. "
                "Provide it explicitly in the 'inputs' list."
            )
        raise MissingInputError(
            f"[OpFromGraph] the graph depends on {variable}, which is not among the inputs"
        )


class OpFromGraph(HasInnerFunction, Op):
    """An Op that computes a graph.

    Parameters
    ----------
    inputs, outputs : list of Variable
        The graph. Everything it depends on must be an input or constant. A constant among the
        inputs is a parameter like the others: the graph computes with what the Op is given.
    inline : bool
        Replace the Op by its graph when a function is compiled.
    pullback : callable, list or OpFromGraph, optional
        Derivative to use instead of the graph's own:
        ``pullback(inputs, outputs, cotangents)`` returns the cotangents of all inputs. In a list,
        each entry is such a function for one input, a variable, or None for the graph's own.
    pushforward : callable, list or OpFromGraph, optional
        The same for tangents: ``pushforward(inputs, tangents)``, with one entry per output.
    lop_overrides, rop_overrides
        Older names of `pullback` and `pushforward`.
    connection_pattern : list of list of bool, optional
        Which inputs (rows) are connected to which outputs.
    strict : bool
        Accept only inputs of exactly the declared types.
    name : str, optional
    destroy_map : dict, optional
        Outputs and the inputs they overwrite.
    fgraph : FrozenFunctionGraph, optional
        The graph, instead of `inputs` and `outputs`.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> from pytensor.compile.builders import OpFromGraph
    >>> x, y = pt.scalars("x", "y")
    >>> op = OpFromGraph([x, y], [x + 2 * y])
    >>> z = op(y, x)
    """

    def __init__(
        self,
        inputs: Sequence[Variable],
        outputs: Sequence[Variable],
        *,
        inline: bool = False,
        pullback: Override = None,
        pushforward: Override = None,
        lop_overrides: Override = None,
        rop_overrides: Override = None,
        connection_pattern: list[list[bool]] | None = None,
        strict: bool = False,
        name: str | None = None,
        destroy_map: dict[int, tuple[int, ...]] | None = None,
        fgraph: FrozenFunctionGraph | None = None,
        **kwargs: Any,
    ) -> None:
        if fgraph is None:
            for which, variables in (("inputs", inputs), ("outputs", outputs)):
                for v in variables:
                    if not isinstance(v, Variable):
                        raise TypeError(f"[OpFromGraph] {which} must be variables, got {v!r}")
            _check_closed(inputs, outputs)
            fgraph = FrozenFunctionGraph.from_io(inputs, outputs)
        self.fgraph = fgraph
        self.is_inline = inline
        self.name = name
        self.strict = strict
        self.kwargs = kwargs
        overwritten: Any = destroy_map or {}
        self.destroy_map = dict(overwritten)
        self.input_types = [v.type for v in fgraph.inputs]
        self.output_types = [v.type for v in fgraph.outputs]
        self.pullback_overrides = lop_overrides if pullback is None else pullback
        self.pushforward_overrides = rop_overrides if pushforward is None else pushforward
        self._connection_pattern = connection_pattern
        self._derivatives: dict[Any, Any] = {}

    def _identity(self) -> tuple:
        return (
            type(self),
            self.fgraph,
            self.is_inline,
            self.name,
            _hashable(self.pullback_overrides),
            _hashable(self.pushforward_overrides),
            _hashable(self.destroy_map),
            _hashable(self._connection_pattern),
        )

    def __eq__(self, other):
        if self is other:
            return True
        if type(self) is not type(other):
            return NotImplemented
        return self._identity() == other._identity()

    def __hash__(self):
        return hash(self._identity())

    def __str__(self):
        return f"{self.name or type(self).__name__}{{inline={self.is_inline}}}"

    __repr__ = __str__

    def __getstate__(self):
        return {**super().__getstate__(), "_derivatives": {}}

    # -- nodes ----------------------------------------------------------------------------

    def make_node(self, *inputs: Any) -> Apply:
        if len(inputs) != len(self.input_types):
            raise ValueError(
                f"[{self}] expected {len(self.input_types)} input(s), got {len(inputs)}"
            )
        filtered = [
            t.filter_variable(v, allow_convert=not self.strict)
            for v, t in zip(inputs, self.input_types, strict=True)
        ]
        return Apply(self, filtered, [t() for t in self._output_types_for(filtered)])

    def _output_types_for(self, inputs: Sequence[Variable]) -> Sequence[Any]:
        return self.output_types

    def perform(self, node, inputs, output_storage):
        results = self.fn(*inputs)
        for cell, value in zip(output_storage, results, strict=True):
            cell[0] = value

    def clone(self) -> "OpFromGraph":
        return self.clone_with_inner_graph(self.fgraph)

    def clone_with_inner_graph(self, inner_fgraph: Any) -> "OpFromGraph":
        """Return an Op like this one that computes another graph of the same types."""
        frozen = inner_fgraph
        if isinstance(inner_fgraph, FunctionGraph):
            frozen = FrozenFunctionGraph.from_io(inner_fgraph.inputs, inner_fgraph.outputs)
        new = object.__new__(type(self))
        new.__dict__.update(self.__getstate__())
        new.fgraph = frozen
        return new

    def connection_pattern(self, node: Apply | None = None) -> list[list[bool]]:
        if self._connection_pattern is not None:
            return self._connection_pattern
        if "connection_pattern" not in self._derivatives:
            self._derivatives["connection_pattern"] = io_connection_pattern(
                self.inner_inputs, self.inner_outputs
            )
        return self._derivatives["connection_pattern"]

    def infer_shape(self, fgraph, node, shapes):
        # Shapes may depend on values: the inner graph is rebuilt over the outer inputs.
        inner = self.fgraph.bind(dict(zip(self.inner_inputs, node.inputs, strict=True)))
        found = infer_shape(inner, node.inputs, shapes)
        return found

    # -- derivatives ----------------------------------------------------------------------

    def pullback(self, inputs, outputs, cotangents):
        overrides = self.pullback_overrides
        filled = [
            out.zeros_like() if isinstance(g.type, DisconnectedType) else g
            for out, g in zip(outputs, cotangents, strict=True)
        ]

        def own() -> list[Variable]:
            return self._own_pullback(inputs, outputs, cotangents)

        return _with_overrides(overrides, (inputs, outputs, filled), own, len(inputs))

    def _own_pullback(self, inputs, outputs, cotangents):
        connected = tuple(not isinstance(g.type, DisconnectedType) for g in cotangents)
        key = ("pullback", connected)
        if key not in self._derivatives:
            self._derivatives[key] = self._build_pullback(connected)
        op, places = self._derivatives[key]
        given = [g for g, c in zip(cotangents, connected, strict=True) if c]
        given = [
            out.type.filter_variable(g) if out.type != g.type and out.type.is_super(g.type) else g
            for g, out in zip(given, (o for o, c in zip(outputs, connected, strict=True) if c))
        ]
        results = op(*inputs, *given, return_list=True) if op is not None else []
        return [results[p] if isinstance(p, int) else p() for p in places]

    def _build_pullback(self, connected: Sequence[bool]) -> tuple["OpFromGraph | None", list[Any]]:
        graph = self.fgraph.unfreeze()
        outputs = [o for o, c in zip(graph.outputs, connected, strict=True) if c]
        seeds = [o.type() for o in outputs]
        # Added to what comes from other outputs: one output may be computed from another.
        options = ("ignore", "disconnected", "return")
        pairs = list(zip(outputs, seeds, strict=True))
        found = _reverse(pairs, {}, list(graph.inputs), None, None, options)
        return self._derivative_op(list(graph.inputs), seeds, found, "pullback")

    def pushforward(self, inputs, outputs, tangents):
        overrides = self.pushforward_overrides
        filled = [
            x.zeros_like() if isinstance(t.type, DisconnectedType) else t
            for x, t in zip(inputs, tangents, strict=True)
        ]

        def own() -> list[Variable]:
            return self._own_pushforward(inputs, tangents)

        return _with_overrides(overrides, (inputs, filled), own, len(outputs))

    def _own_pushforward(self, inputs, tangents):
        connected = tuple(not isinstance(t.type, DisconnectedType) for t in tangents)
        key = ("pushforward", connected)
        if key not in self._derivatives:
            graph = self.fgraph.unfreeze()
            wrt = [v for v, c in zip(graph.inputs, connected, strict=True) if c]
            seeds = [v.type() for v in wrt]
            found = graph_pushforward(
                list(graph.outputs),
                wrt,
                seeds,
                disconnected_outputs="ignore",
                return_disconnected="disconnected",
                use_op_pushforward=True,
            )
            self._derivatives[key] = self._derivative_op(
                list(graph.inputs), seeds, found, "pushforward"
            )
        op, places = self._derivatives[key]
        given = [t for t, c in zip(tangents, connected, strict=True) if c]
        results = op(*inputs, *given, return_list=True) if op is not None else []
        return [results[p] if isinstance(p, int) else p() for p in places]

    def _derivative_op(
        self, inputs: list[Variable], seeds: list[Variable], found: Any, kind: str
    ) -> tuple["OpFromGraph | None", list[Any]]:
        """Wrap derivatives in an Op; a place is an output of it, or makes a placeholder."""
        places: list[Any] = []
        outputs: list[Variable] = []
        for variable in found:
            if isinstance(variable.type, DisconnectedType):
                places.append(disconnected_type)
            elif isinstance(variable.type, NullType):
                places.append(variable.type)
            else:
                places.append(len(outputs))
                outputs.append(variable)
        if not outputs:
            return None, places
        name = f"{self.name or type(self).__name__}_{kind}"
        op = OpFromGraph([*inputs, *seeds], outputs, inline=self.is_inline, name=name)
        return op, places


def _hashable(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return tuple(map(_hashable, value))
    if isinstance(value, dict):
        return tuple(sorted((k, _hashable(v)) for k, v in value.items()))
    return value


def _with_overrides(
    override: Override, arguments: tuple, own: Callable[[], list[Variable]], n: int
) -> list[Variable]:
    """Return `n` derivatives, from `override` where it says something and from `own` elsewhere."""
    if override is None:
        return own()
    if isinstance(override, Op):
        flat = [v for group in arguments for v in group]
        return _as_list(override(*flat), n)
    if callable(override):
        return _as_list(override(*arguments), n)
    if len(override) != n:
        raise ValueError(f"[OpFromGraph] overrides must be {n}, got {len(override)}")
    defaults = own() if any(o is None for o in override) else [None] * n
    results: list[Any] = []
    for o, default in zip(override, defaults, strict=True):
        if o is None:
            results.append(default)
        elif isinstance(o, Variable):
            results.append(o)
        else:
            results.append(o(*arguments))
    return results


def _as_list(found: Any, n: int) -> list[Variable]:
    found = list(found) if isinstance(found, list | tuple) else [found]
    if len(found) != n:
        raise ValueError(f"[OpFromGraph] an override must return {n} variables, got {len(found)}")
    return found


class SymbolicOp(OpFromGraph):
    """An `OpFromGraph` whose graph is built from the types of the inputs it is called with.

    A subclass defines `build_inner_graph`, and ``__props__`` for its parameters.

    Parameters
    ----------
    input_types : sequence of Type, optional
        Build the graph for these types. Without, the object is a recipe: calling it builds.
    """

    inline: ClassVar[bool] = False

    def __init__(self, input_types: Sequence[Any] | None = None, **kwargs: Any) -> None:
        self._is_recipe = input_types is None
        if input_types is None:
            self._recipe_arguments = kwargs
            return
        inputs = [t() for t in input_types]
        outputs = self.build_inner_graph(*inputs)
        outputs = outputs if isinstance(outputs, list | tuple) else [outputs]
        kwargs.setdefault("inline", self.inline)
        super().__init__(inputs, list(outputs), **kwargs)

    def build_inner_graph(self, *inputs: Variable) -> list[Variable]:
        """Return the outputs computed from `inputs`."""
        raise NotImplementedError(f"[{type(self).__name__}] build_inner_graph must be defined")

    @staticmethod
    def filter_inputs(*inputs: Any) -> Sequence[Variable]:
        """Return the arguments of a call as variables."""
        as_variable = late("pytensor.tensor:as_tensor_variable")
        return [v if isinstance(v, Variable) else as_variable(v) for v in inputs]

    def __call__(self, *inputs: Any, **kwargs: Any) -> Any:
        inputs = tuple(self.filter_inputs(*inputs))
        if self._is_recipe or [v.type for v in inputs] != self.input_types:
            parameters = self._props_dict() if hasattr(self, "_props_dict") else {}
            built = type(self)(input_types=[v.type for v in inputs], **parameters)
            return OpFromGraph.__call__(built, *inputs, **kwargs)
        return super().__call__(*inputs, **kwargs)

    def _identity(self) -> tuple:
        props = self._props() if hasattr(self, "_props") else ()
        if self._is_recipe:
            return (type(self), props)
        return (*super()._identity(), props)

    def __str__(self):
        if self._is_recipe:
            return type(self).__name__
        return super().__str__()
