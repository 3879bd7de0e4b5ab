"""The virtual machine: a list of steps over a list of values.

Everything a call changes lives in a list made by that call, so programs are re-entrant.
"""

from collections.abc import Callable
from threading import Lock
from time import perf_counter
from typing import Any, NamedTuple

from pytensor.graph.basic import Apply, Constant, Variable
from pytensor.graph.fg import FunctionGraph
from pytensor.graph.op import Op
from pytensor.link.basic import Program
from pytensor.link.schedule import Schedule
from pytensor.link.utils import raise_with_op

Perform = Callable[[Apply, list[Any], list[list[Any]]], Any]


class Step(NamedTuple):
    """One node: what to run, which values it reads and writes, and which nobody reads later."""

    perform: Perform
    node: Apply
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    dead: tuple[int, ...]


def perform_of(node: Apply) -> Perform:
    """Return ``perform(node, inputs, output_cells)`` for `node`.

    An Op that only makes thunks gets cells of its own behind a lock.
    """
    op = node.op
    cls = type(op)
    only_thunk = cls.perform is Op.perform and (
        cls.make_thunk is not Op.make_thunk or cls.make_py_thunk is not Op.make_py_thunk
    )
    if not only_thunk and cls.prepare_node is Op.prepare_node:
        return op.perform
    cells = {v: [v.data if isinstance(v, Constant) else None] for v in node.inputs}
    cells.update((v, [None]) for v in node.outputs)
    computed = {v: [v.owner is not node] for v in cells}
    if not only_thunk:
        op.prepare_node(node, cells, computed, "py")
        return op.perform
    thunk = op.make_thunk(node, cells, computed, no_recycling=[], impl="py")
    lock = Lock()

    def perform(node: Apply, inputs: list[Any], output_storage: list[list[Any]]) -> None:
        with lock:
            for variable, value in zip(node.inputs, inputs, strict=True):
                cells[variable][0] = value
            for variable in node.outputs:
                cells[variable][0] = None
            thunk()
            for variable, cell in zip(node.outputs, output_storage, strict=True):
                cell[0] = cells[variable][0]

    return perform


class PyProgram(Program):
    """Runs the nodes of a graph one after the other.

    Parameters
    ----------
    fgraph : FunctionGraph
    plan : Schedule
        The order of the nodes.
    allow_gc : bool
        Drop values as soon as nobody reads them any more.
    """

    def __init__(self, fgraph: FunctionGraph, plan: Schedule, allow_gc: bool = True) -> None:
        self.fgraph = fgraph
        self.nodes = plan.order
        self.fragile_inputs = plan.fragile_inputs
        self._n_inputs = len(fgraph.inputs)
        self._values, self._steps, self._outputs = self._lower(fgraph, plan.order, allow_gc)

    @staticmethod
    def _lower(
        fgraph: FunctionGraph, order: list[Apply], allow_gc: bool
    ) -> tuple[list[Any], list[Step], list[int]]:
        slots: dict[Variable, int] = {v: i for i, v in enumerate(fgraph.inputs)}
        values: list[Any] = [None] * len(slots)

        def slot(variable: Variable) -> int:
            if variable not in slots:
                slots[variable] = len(values)
                values.append(variable.data if isinstance(variable, Constant) else None)
            return slots[variable]

        reads = [tuple(slot(v) for v in node.inputs) for node in order]
        writes = [tuple(slot(v) for v in node.outputs) for node in order]
        outputs = [slot(v) for v in fgraph.outputs]
        last: dict[int, int] = {}
        for i, (read, written) in enumerate(zip(reads, writes, strict=True)):
            last.update(dict.fromkeys((*written, *read), i))
        keep = {*outputs, *(slots[v] for v in slots if isinstance(v, Constant))}
        dead: list[list[int]] = [[] for _ in order]
        if allow_gc:
            for s, i in last.items():
                if s not in keep:
                    dead[i].append(s)
        steps = [
            Step(perform_of(node), node, read, written, tuple(free))
            for node, read, written, free in zip(order, reads, writes, dead, strict=True)
        ]
        return values, steps, outputs

    def _start(self, given: tuple[Any, ...]) -> list[Any]:
        if len(given) != self._n_inputs:
            raise TypeError(
                f"[Program] the graph has {self._n_inputs} inputs, got {len(given)} values"
            )
        values = self._values.copy()
        values[: self._n_inputs] = given
        return values

    def __call__(self, *given: Any) -> list[Any]:
        values = self._start(given)
        value = values.__getitem__
        try:
            for perform, node, inputs, outputs, dead in self._steps:
                if len(outputs) == 1:
                    cell = [None]
                    perform(node, [*map(value, inputs)], [cell])
                    values[outputs[0]] = cell[0]
                else:
                    cells = [[None] for _ in outputs]
                    perform(node, [*map(value, inputs)], cells)
                    for o, cell in zip(outputs, cells, strict=True):
                        values[o] = cell[0]
                for i in dead:
                    values[i] = None
        except Exception as error:
            raise_with_op(self.fgraph, node, error, [*map(value, inputs)])
        return [*map(value, self._outputs)]


class Run:
    """One step of one call, for callbacks: call it to run the node."""

    __slots__ = ("inputs", "node", "outputs", "perform")

    def __init__(self, perform: Perform, node: Apply, inputs: list[Any], n_outputs: int) -> None:
        self.perform = perform
        self.node = node
        self.inputs = [[value] for value in inputs]
        self.outputs: list[list[Any]] = [[None] for _ in range(n_outputs)]

    def __call__(self) -> None:
        self.perform(self.node, [cell[0] for cell in self.inputs], self.outputs)


class ObservedProgram(PyProgram):
    """Runs like `PyProgram`, and reports each node to a profile or a callback."""

    def __init__(
        self,
        fgraph: FunctionGraph,
        plan: Schedule,
        allow_gc: bool = True,
        profile: Any = None,
        callback: Callable[..., Any] | None = None,
    ) -> None:
        super().__init__(fgraph, plan, allow_gc)
        self._profile = profile
        self._callback = callback

    def _skip(self, step: Step, values: list[Any]) -> bool:
        """Tell whether `step` is not needed in this call."""
        return False

    def __call__(self, *given: Any) -> list[Any]:
        values = self._start(given)
        try:
            for number, step in enumerate(self._steps):
                if self._skip(step, values):
                    continue
                read = [values[i] for i in step.inputs]
                run = Run(step.perform, step.node, read, len(step.outputs))
                start = perf_counter()
                if self._callback is None:
                    run()
                else:
                    self._callback(self.fgraph, number, step.node, run)
                if self._profile is not None:
                    self._profile.add_node_time(
                        self.fgraph, step.node, perf_counter() - start, start, run
                    )
                for o, cell in zip(step.outputs, run.outputs, strict=True):
                    values[o] = cell[0]
                for i in step.dead:
                    values[i] = None
        except Exception as error:
            raise_with_op(self.fgraph, step.node, error, [values[i] for i in step.inputs])
        return [values[i] for i in self._outputs]


_UNDECIDED = object()


class LazyProgram(ObservedProgram):
    """Skips the nodes that only the branch not taken needs."""

    def __init__(self, fgraph: FunctionGraph, plan: Schedule, *args: Any) -> None:
        super().__init__(fgraph, plan, *args)
        # The condition of a lazy node may be dropped only after the nodes it decides about; those
        # run before the lazy node itself, its reader.
        slot_of = {
            variable: slot
            for step in self._steps
            for variable, slot in zip(step.node.inputs, step.inputs, strict=True)
        }
        produced = {o for step in self._steps for o in step.outputs}
        for slot in produced:
            self._values[slot] = _UNDECIDED
        self._guards = {
            node: [[(slot_of[condition], branch) for condition, branch in case] for case in guard]
            for node, guard in plan.guards.items()
        }

    def _skip(self, step: Step, values: list[Any]) -> bool:
        cases = self._guards.get(step.node)
        if cases is None:
            return False
        for case in cases:
            for slot, branch in case:
                decided = values[slot]
                if decided is not _UNDECIDED and bool(decided) != (branch == 0):
                    break
            else:
                return False
        return True
