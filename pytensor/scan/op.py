"""The Op of a loop."""

from collections.abc import Callable, Sequence
from threading import Lock
from typing import Any

from pytensor.compile.aliasing import Supervisor
from pytensor.compile.builders import infer_shape as infer_inner_shapes
from pytensor.compile.inner_function import HasInnerFunction
from pytensor.compile.mode import Mode, get_default_mode, get_mode
from pytensor.compile.ops import deep_copy_op
from pytensor.graph.basic import Apply, Constant, Variable, nodes_in_order
from pytensor.graph.destroyhandler import DestroyHandler
from pytensor.graph.fg import FunctionGraph
from pytensor.graph.frozen import FrozenFunctionGraph
from pytensor.graph.op import Op, io_connection_pattern
from pytensor.graph.replace import clone_replace
from pytensor.graph.rewriting.stages import optdb
from pytensor.graph.traversal import ancestors
from pytensor.link.basic import JITLinker
from pytensor.link.schedule import storage_root
from pytensor.scan import loop
from pytensor.scan.connection import connection_pattern
from pytensor.scan.fields import ScanMethodsMixin
from pytensor.scan.info import ScanInfo
from pytensor.scan.pullback import pullback
from pytensor.scan.pushforward import pushforward
from pytensor.tensor.basic import as_tensor_variable, cast
from pytensor.tensor.shape import Shape_i, specify_shape
from pytensor.tensor.type import TensorType
from pytensor.utils import free_after_fork

__all__ = ["Scan", "ScanInfo", "ScanMethodsMixin"]

# Rules about loops are worth loading once there is one.
optdb.add_rule_modules("pytensor.scan.rewriting")


class Scan(HasInnerFunction, Op, ScanMethodsMixin):
    """A loop: one node that runs an inner graph again and again.

    Inputs of the node: the number of steps, sequences, buffers of mit-mots, mit-sots and sit-sots
    with the initial values at their beginning, initial untraced states, lengths of nit-sots,
    non-sequences. Outputs: the buffers of mit-mots, mit-sots (initial values included) and
    sit-sots, the nit-sots, the last untraced states. The inner graph has one input for each element
    of a sequence, offset of a state and non-sequence, in the same order. See `ScanInfo`.

    A buffer may be shorter than the number of steps: then only the last values remain in it, the
    oldest first.

    Parameters
    ----------
    inputs, outputs : list of Variable
        The inner graph.
    info : ScanInfo
    mode : Mode or str, optional
        How the inner graph is compiled; as the function that contains the loop if None.
    typeConstructor
        Accepted for compatibility.
    truncate_gradient : int
        Number of steps the gradient goes back; -1 for all.
    name : str, optional
    profile
        Accepted for compatibility.
    allow_gc : bool
    strict : bool
    """

    def __init__(
        self,
        inputs: Sequence[Variable],
        outputs: Sequence[Variable],
        info: ScanInfo,
        mode: Mode | str | None = None,
        typeConstructor: Any = None,
        truncate_gradient: int = -1,
        name: str | None = None,
        profile: Any = None,
        allow_gc: bool = True,
        strict: bool = True,
    ) -> None:
        self.info = info
        self.mode = mode
        self.name = name
        self.profile = profile
        self.allow_gc = allow_gc
        self.strict = strict
        self.truncate_gradient = truncate_gradient
        self.exact = False  # sequences are known to have as many elements as there are steps
        self.destroy_map: dict[int, list[int]] = {}
        self.prepared = False
        self.linker: Any = None
        self._freeze(inputs, outputs)
        self.validate_inner_graph()

    def _freeze(
        self,
        inputs: Sequence[Variable],
        outputs: Sequence[Variable],
        order: Sequence[Apply] | None = None,
    ) -> None:
        order = nodes_in_order(outputs, set(inputs)) if order is None else order
        self.fgraph = FrozenFunctionGraph.from_toposort(inputs, outputs, order)
        # Frozen nodes belong to all graphs of their structure: the user's lines are kept here.
        self._lines = [getattr(node.outputs[0].tag, "trace", None) for node in order]
        self._derivatives: dict[Any, Any] = {}
        self._program: Callable[..., list[Any]] | None = None

    _lock = free_after_fork(Lock())

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_derivatives": {}, "_program": None}

    # -- identity ---------------------------------------------------------------------------

    def _identity(self) -> tuple:
        destroyed = tuple(sorted((k, tuple(v)) for k, v in self.destroy_map.items()))
        mode = self.mode if isinstance(self.mode, str | None) else id(self.mode)
        return (
            type(self),
            self.info,
            self.fgraph,
            self.truncate_gradient,
            mode,
            destroyed,
            self.prepared,
            self.exact,
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
        kind = "while" if self.info.as_while else "for"
        inplace = ", inplace" if self.destroy_map else ""
        return f"Scan{{{self.name or 'scan_fn'}, {kind}{inplace}}}"

    __repr__ = __str__

    # -- copies -----------------------------------------------------------------------------

    def _copy(self, **changes: Any) -> "Scan":
        new = object.__new__(type(self))
        new.__dict__.update(self.__getstate__())
        new.__dict__.update(changes)
        return new

    def clone(self) -> "Scan":
        return self._copy()

    def clone_with_inner_graph(self, inner_fgraph: Any) -> "Scan":
        """Return a loop like this one around another inner graph with inputs of the same types."""
        new = self._copy()
        new._freeze(list(inner_fgraph.inputs), list(inner_fgraph.outputs))
        return new

    def prepared_with(self, graph: FunctionGraph, linker: Any) -> "Scan":
        """Return this loop around a graph that `prepare_fgraph` has been over."""
        new = self._copy(prepared=True, linker=linker)
        new._freeze(list(graph.inputs), list(graph.outputs), graph.toposort())
        return new

    def with_destroyed(self, outputs: Sequence[int]) -> "Scan":
        """Return this loop writing over the buffers of the given outputs."""
        first = 1 + self.info.n_seqs
        return self._copy(destroy_map={i: [first + i] for i in outputs})

    def unfrozen(self) -> FunctionGraph:
        """Return a copy of the inner graph that may be changed."""
        graph, memo = self.fgraph.unfreeze(return_memo=True)
        for frozen, trace in zip(self.fgraph.toposort(), self._lines, strict=True):
            if trace:
                for output in memo[frozen].outputs:
                    output.tag.trace = trace
        if any(node.op.destroy_map for node in graph.apply_nodes):
            graph.attach_feature(DestroyHandler())  # which knows what must be read before
        return graph

    # -- nodes ------------------------------------------------------------------------------

    def validate_inner_graph(self) -> None:
        """Check that the inner graph fits `info` and that states keep their dtype and rank.

        Raises
        ------
        ValueError
        """
        info, inputs, outputs = self.info, self.inner_inputs, self.inner_outputs
        for what, got, wanted in (
            ("inputs", len(inputs), info.n_inner_inputs),
            ("outputs", len(outputs), info.n_inner_outputs),
        ):
            if got != wanted:
                raise ValueError(f"[{self}] the inner graph must have {wanted} {what}, got {got}")
        for k, (before, after) in enumerate(self._recurrences()):
            if not _may_follow(before.type, after.type):
                raise ValueError(
                    f"[{self}] inner output {k} must be of the type of its state {before.type}, "
                    f"got {after.type}"
                )

    def _recurrences(self) -> list[tuple[Variable, Variable]]:
        """Pair what is read of a state with what is written."""
        inputs, outputs = self.inner_inputs, self.inner_outputs
        pairs = [
            (read[0], new)
            for read, written in zip(
                self.inner_mitmot_grouped(inputs),
                self.inner_mitmot_outs_grouped(outputs),
                strict=True,
            )
            for new in written
            if read
        ]
        sot_in = [g[0] for g in self.inner_mitsot_grouped(inputs)] + self.inner_sitsot(inputs)[:]
        sot_out = [*self.inner_mitsot_outs(outputs), *self.inner_sitsot_outs(outputs)]
        pairs += list(zip(sot_in, sot_out, strict=True))
        untraced = zip(
            self.inner_untraced_sit_sot(inputs),
            self.inner_untraced_sit_sot_outs(outputs),
            strict=True,
        )
        return pairs + list(untraced)

    @property
    def inner_inputs(self) -> list[Variable]:
        return list(self.fgraph.inputs)

    @property
    def inner_outputs(self) -> list[Variable]:
        return list(self.fgraph.outputs)

    def make_node(self, *inputs: Any) -> Apply:
        info, inner = self.info, self.inner_inputs
        if len(inputs) != info.n_outer_inputs:
            raise ValueError(f"[{self}] must have {info.n_outer_inputs} inputs, got {len(inputs)}")
        filtered = [_as_length(self, "n_steps", inputs[0])]
        taps = [1] * info.n_seqs + [len(t) for t in info.tap_array]
        at = 0
        for i, n in enumerate(taps, start=1):
            what = f"sequence {i - 1}" if i <= info.n_seqs else f"state {i - 1 - info.n_seqs}"
            filtered.append(_as_stack(self, what, inputs[i], inner[at].type if n else None))
            at += n
        untraced = self.outer_untraced_sit_sot(inputs)
        for outer, own in zip(untraced, self.inner_untraced_sit_sot(inner), strict=True):
            filtered.append(own.type.filter_variable(outer))
        filtered += [_as_length(self, "the length", x) for x in self.outer_nitsot(inputs)]
        for outer, own in zip(self.outer_non_seqs(inputs), self.inner_non_seqs(inner), strict=True):
            filtered.append(own.type.filter_variable(outer))
        return Apply(self, filtered, [t() for t in self._output_types(filtered)])

    def _output_types(self, inputs: Sequence[Variable]) -> list[Any]:
        info = self.info
        first = 1 + info.n_seqs
        types = []
        for i, buffer in enumerate(inputs[first : info.outer_in["sit_sot"].stop]):
            type_ = buffer.type
            if info.as_while and i >= info.n_mit_mot:
                type_ = type_.clone(shape=(None, *type_.shape[1:]))
            types.append(type_)
        for length, out in zip(
            self.outer_nitsot(inputs), self.inner_nitsot_outs(self.inner_outputs), strict=True
        ):
            known = isinstance(length, Constant) and not info.as_while
            n = int(length.data) if known else None
            types.append(out.type.clone(shape=(n, *out.type.shape)))
        return types + [v.type for v in self.inner_untraced_sit_sot(self.inner_inputs)]

    # -- computing --------------------------------------------------------------------------

    def prepare_fgraph(self, fgraph: FunctionGraph, mode: Mode | None = None) -> None:
        """Rewrite an inner graph for `mode`; its outputs then share no memory with states."""
        mode = get_mode(self.mode) if mode is None or self.mode is not None else mode
        owned = set(fgraph.inputs[self.info.inner_in["untraced"]])
        fgraph.attach_feature(Supervisor([v for v in fgraph.inputs if v not in owned]))
        with mode.active():
            mode.rewriter_for(fgraph)(fgraph)
        self.protect_states(fgraph)

    def protect_states(self, fgraph: FunctionGraph) -> None:
        """Copy outputs of an inner graph that are views of a state, which is overwritten.

        An untraced state may become its own next value in place.
        """
        states = set(fgraph.inputs[self.info.n_seqs : self.info.inner_in["untraced"].stop])
        untraced = self.info.inner_out["untraced"]
        own = dict(
            zip(range(untraced.start, untraced.stop), self.inner_untraced_sit_sot(fgraph.inputs))
        )
        for k, output in enumerate(list(fgraph.outputs)):
            if storage_root(output) not in states:
                continue
            if k in own and _overwritten(output) is own[k]:
                continue
            client, i = fgraph.get_output_client(k)
            fgraph.change_node_input(client, i, deep_copy_op(output), reason="protect_states")

    @property
    def program(self) -> Callable[..., list[Any]]:
        """The compiled inner graph."""
        if self._program is None:
            graph = self.unfrozen()
            mode = get_default_mode() if self.mode is None else get_mode(self.mode)
            linker = mode.linker if self.linker is None else self.linker
            if isinstance(linker, JITLinker):
                linker = Mode("py").linker
            if not self.prepared:
                self.prepare_fgraph(graph)
            compiled = linker.make_program(graph, name=str(self)).run
            with self._lock:
                if self._program is None:
                    self._program = compiled
        return self._program

    def perform(self, node, inputs, output_storage):
        loop.run_loop(self, self.program, inputs, output_storage)

    def do_constant_folding(self, fgraph, node):
        return False

    # -- shapes -----------------------------------------------------------------------------

    def infer_shape(self, fgraph, node, input_shapes):
        info = self.info
        first = 1 + info.n_seqs
        shapes: list[Any] = []
        for i, given in enumerate(input_shapes[first : info.outer_in["sit_sot"].stop]):
            unknown = info.as_while and i >= info.n_mit_mot
            leading = Shape_i(0)(node.outputs[i]) if unknown else given[0]
            shapes.append((leading, *given[1:]))
        lengths = self.outer_nitsot(node.inputs)
        outputs = self.outer_nitsot_outs(node.outputs)
        known = self._nit_sot_shapes(node, input_shapes) if outputs else []
        for length, out, core in zip(lengths, outputs, known, strict=True):
            leading = Shape_i(0)(out) if info.as_while else length
            rest = [Shape_i(k + 1)(out) if n is None else n for k, n in enumerate(core)]
            shapes.append((leading, *rest))
        return shapes + [None] * info.n_untraced_sit_sot

    def _nit_sot_shapes(self, node: Apply, input_shapes: Sequence[Any]) -> list[list[Any]]:
        """Return shapes of one element; None where a length depends on the steps themselves."""
        info = self.info
        graph = self.fgraph.unfreeze()
        inner = list(graph.inputs)
        given: list[Any] = [tuple(s[1:]) for s in self.outer_seqs(input_shapes)]
        first = 1 + info.n_seqs
        for s, taps in zip(input_shapes[first:], info.tap_array):
            given += [tuple(s[1:])] * len(taps)
        given += list(self.outer_untraced_sit_sot(input_shapes))
        given += list(self.outer_non_seqs(input_shapes))
        outputs = list(self.inner_nitsot_outs(graph.outputs))
        found = infer_inner_shapes(outputs, inner, given)
        n_varying = info.inner_in["untraced"].stop
        varying = set(inner[:n_varying])
        outer = dict(zip(inner[n_varying:], self.outer_non_seqs(node.inputs), strict=True))

        def settle(length: Any) -> Any:
            if not isinstance(length, Variable):
                return length
            if not varying.isdisjoint(ancestors([length])):
                return None
            return clone_replace(length, outer)

        return [
            [settle(n) for n in lengths] if lengths is not None else [None] * out.type.ndim
            for lengths, out in zip(found, outputs, strict=True)
        ]

    # -- derivatives ------------------------------------------------------------------------

    def connection_pattern(self, node: Apply | None = None) -> list[list[bool]]:
        if "connection_pattern" not in self._derivatives:
            inner = io_connection_pattern(self.inner_inputs, self.inner_outputs)
            pattern = connection_pattern(self, inner)
            self._derivatives["connection_pattern"] = pattern
        return self._derivatives["connection_pattern"]

    def pullback(self, inputs, outputs, cotangents):
        return pullback(self, inputs, outputs, cotangents)

    def pushforward(self, inputs, outputs, tangents):
        return pushforward(self, inputs, outputs, tangents)


def _overwritten(variable: Variable) -> Variable:
    """Return whose memory a variable has taken over as a whole."""
    while (node := variable.owner) is not None:
        source = node.op.destroy_map.get(variable.index or 0)
        if not source:
            break
        variable = node.inputs[source[0]]
    return variable


def _may_follow(before: Any, after: Any) -> bool:
    """Tell whether a state of type `before` may get values of type `after`."""
    if not isinstance(before, TensorType):
        return before.is_super(after)
    return (
        isinstance(after, TensorType)
        and before.dtype == after.dtype
        and before.ndim == after.ndim
        and all(a is None or b is None or a == b for a, b in zip(before.shape, after.shape))
    )


def _as_length(op: Scan, what: str, value: Any) -> Variable:
    value = as_tensor_variable(value)
    if value.type.ndim != 0 or value.type.numpy_dtype.kind not in "iu":
        raise TypeError(f"[{op}] {what} must be an integer scalar, got {value.type}")
    return value if value.type.dtype == "int64" else cast(value, "int64")


def _as_stack(op: Scan, what: str, value: Any, element: Any) -> Variable:
    """Check that `value` is a stack of things of the type `element`."""
    value = as_tensor_variable(value)
    if element is None:
        return value
    type_ = value.type
    if type_.ndim != element.ndim + 1 or type_.dtype != element.dtype:
        raise TypeError(f"[{op}] {what} must hold elements of type {element}, got {type_}")
    if all(n is None or n == m for n, m in zip(element.shape, type_.shape[1:], strict=True)):
        return value
    return specify_shape(value, (None, *element.shape))
