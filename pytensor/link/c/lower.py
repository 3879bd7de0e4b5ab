"""From a graph to the tables of a program: kernels, views, Python calls, slots, skips.

Each node becomes a step: a kernel if its Op has one in C, else a call of its ``perform``. Equal
kernel bodies become one function, so the size of the C text follows the number of different
kernels, not of nodes; which function runs on which values is data.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pytensor.configdefaults import config
from pytensor.graph.basic import Apply, Constant, Variable
from pytensor.graph.lazy import Choice, Guard, lazy_branches
from pytensor.link.c.dispatch import load_dispatch
from pytensor.link.c.dispatch.basic import CKernel, c_funcify
from pytensor.link.c.dispatch.reduce import absorbed_producers, fused_reduction
from pytensor.link.c.memory import DESTROYED, LOAN, Block, MemoryPlan, Slot, Step
from pytensor.link.c.shipped import ready_numbers
from pytensor.link.c.units import Function, Split, UnitSource, split_units
from pytensor.link.py.vm import perform_of
from pytensor.link.schedule import Schedule, destroyed_inputs, schedule

if TYPE_CHECKING:
    from pytensor.graph.fg import FunctionGraph

KERNEL, PYTHON, LAZY_PYTHON, SKIP = range(4)

__all__ = ["Lowered", "lower"]


Specialise = Callable[[bytes], CKernel | None]


class Lowered(NamedTuple):
    """Everything about a program but its compiled unit.

    Attributes
    ----------
    units : tuple of UnitSource
        The translation units. Kernels that call BLAS have their own: it came with the package,
        or is compiled at the same time as the other and found in the cache by other programs
        with the same calls.
    tables : dict
        Arguments of the driver's ``Program``.
    step_nodes : list
        The node of each step, None for skips.
    later : tuple of UnitSource
        The functions that are interpreted until it pays to compile them.
    later_numbers : bytes
        For each step the number of its function among those of `later`, or -1.
    missing : tuple of str
        Operations that are Python steps only because nothing may be compiled.
    special : tuple of (int, callable)
        Steps for which there may be a faster kernel after the first call (`CKernel.specialise`).
    """

    units: tuple[UnitSource, ...]
    tables: dict[str, Any]
    step_nodes: list[Apply | None]
    later: tuple[UnitSource, ...] = ()
    later_numbers: bytes = b""
    missing: tuple[str, ...] = ()
    special: tuple[tuple[int, Specialise], ...] = ()


def _python_call(node: Apply) -> Callable[..., tuple]:
    """Return a function of input values that gives a tuple of output values."""
    perform = perform_of(node)
    if len(node.outputs) == 1:

        def call_one(*values):
            cell = [None]
            perform(node, list(values), [cell])
            return (cell[0],)

        return call_one
    n_outputs = len(node.outputs)

    def call(*values):
        cells = [[None] for _ in range(n_outputs)]
        perform(node, list(values), cells)
        return tuple(cell[0] for cell in cells)

    return call


class _Lowering:
    """The state of lowering one graph and the inner graphs of its kernels."""

    def __init__(self, interpret: bool, may_compile: bool):
        self.slots: list[Slot] = []
        self.slot_of: dict[Variable, Slot] = {}
        self.constants: list[tuple[int, Any]] = []
        self.calls: list[Callable] = []
        self.blocks: list[Block] = []
        self.functions: dict[tuple, int] = {}
        self.bodies: list[Function] = []
        self._kernels: dict[tuple, CKernel | None] = {}
        self.fused: dict[Apply, CKernel] = {}
        self._interpret, self._may_compile = interpret, may_compile
        # A loop that would be compiled before the first call may have a form that is interpreted.
        self._form = {} if may_compile and not interpret else {"whole": False}
        self.missing: dict[str, None] = {}

    # -- slots -------------------------------------------------------------------------

    def new_slot(self, variable: Variable, parent: Slot | None = None) -> Slot:
        slot = Slot(len(self.slots), variable.type, parent)
        self.slots.append(slot)
        self.slot_of[variable] = slot
        return slot

    def read_slot(self, variable: Variable) -> Slot:
        slot = self.slot_of.get(variable)
        if slot is None:
            # Not an input and not computed before: a constant.
            assert isinstance(variable, Constant), variable
            slot = self.new_slot(variable)
            value = variable.data
            if slot.type_num >= 0:
                value = np.require(value, variable.type.numpy_dtype, ["ALIGNED"])
            self.constants.append((slot.number, value))
        return slot

    # -- nodes -------------------------------------------------------------------------

    def kernel_of(self, node: Apply) -> CKernel | None:
        """Ask the dispatch once for all nodes that agree in op, types and constants."""
        key = (
            node.op,
            # A Gemm that stands for a sum equals one that does not.
            getattr(node.op, "of_sum", False),
            tuple(
                [v if v.owner is None and isinstance(v, Constant) else v.type for v in node.inputs]
            ),
            tuple([v.type for v in node.outputs]),
        )
        try:
            return self._kernels[key]
        except TypeError:
            # An op or a constant that cannot be hashed is asked about each time.
            return self._usable(_checked_kernel(node, self._form), node)
        except KeyError:
            pass
        kernel = self._kernels[key] = self._usable(_checked_kernel(node, self._form), node)
        return kernel

    def _usable(self, kernel: CKernel | None, node: Apply) -> CKernel | None:
        """Return a kernel if it runs here; without a compiler only what is there already does."""
        if kernel is None or self._is_runnable(kernel):
            return kernel
        if Function(kernel, len(node.inputs), len(node.outputs)).digest() in ready_numbers():
            return kernel
        self.missing[type(node.op).__name__] = None
        return None

    def _is_runnable(self, kernel: CKernel) -> bool:
        return self._may_compile or (self._interpret and kernel.interpreted is not None)

    def absorbed(self, plan: Schedule, outputs: Sequence[Variable]) -> dict[Apply, Apply]:
        """Return the elementwise nodes that become part of their reader, by reader."""
        found = {}
        for reader, producer in absorbed_producers(plan, outputs).items():
            key = (producer.op, reader.op, tuple([v.type for v in producer.inputs]))
            if key not in self._kernels:
                plain = all(map(_is_plain, (*producer.inputs, *reader.outputs)))
                kernel = fused_reduction(producer, reader) if plain else None
                usable = kernel is not None and self._is_runnable(kernel)
                self._kernels[key] = kernel if usable else None
            kernel = self._kernels[key]
            if kernel is not None:
                self.fused[reader] = kernel
                found[reader] = producer
        return found

    def add_node(self, node: Apply, block: Block, producer: Apply | None = None) -> None:
        if producer is None:
            kernel, inputs = self.kernel_of(node), node.inputs
        else:
            kernel, inputs = self.fused[node], producer.inputs
        reads = [self.read_slot(v) for v in inputs]
        if kernel is None:
            self.calls.append(_python_call(node))
            kind = PYTHON if lazy_branches(node) is None else LAZY_PYTHON
            writes = [self.new_slot(v) for v in node.outputs]
            block.steps.append(Step(kind, len(self.calls) - 1, reads, writes, None, node))
            return
        writes = []
        for i, variable in enumerate(node.outputs):
            source = kernel.views.get(i, kernel.destroys.get(i))
            writes.append(self.new_slot(variable, None if source is None else reads[source]))
        # What can fail in a fused node is the elementwise part: errors name it.
        step = Step(KERNEL, 0, reads, writes, kernel, producer or node)
        block.steps.append(step)
        blocks = [self.add_block(inner) for inner in kernel.blocks]
        step.block_slots = [slot for _, slots in blocks for slot in slots]
        numbers = [number for number, _ in blocks]
        if kernel.data is not None:
            step.data = _with_header(numbers, kernel.data)
        step.index = self.function_of(kernel, step, numbers)

    def function_of(self, kernel: CKernel, step: Step, block_numbers: list[int]) -> int:
        """Return the number of the C function for a kernel; equal bodies share one."""
        shape = tuple([(len(b.inputs), len(b.outputs)) for b in kernel.blocks])
        function = Function(kernel, len(step.reads), len(step.writes), shape, tuple(block_numbers))
        # Equal programs for the interpreter come of equal loops, whose text is not written yet.
        interpreted = kernel.interpreted if self._interpret else None
        key = function.key if interpreted is None else tuple(interpreted)
        number = self.functions.setdefault(key, len(self.bodies))
        if number == len(self.bodies):
            self.bodies.append(function)
        return number

    # -- blocks ------------------------------------------------------------------------

    def add_graph(self, plan: Schedule, block: Block, outputs: Sequence[Variable]) -> None:
        """Append the steps of all nodes, with skips around those of branches not taken."""
        producer_of = self.absorbed(plan, outputs)
        absorbed = set(producer_of.values())
        position = {node: i for i, node in enumerate(plan.order)}
        current: frozenset = frozenset()
        open_skips: list[Step] = []
        for node in plan.order:
            guard = plan.guards.get(node, frozenset()) if plan.guards else current
            if guard != current:
                for skip in open_skips:
                    skip.index = len(block.steps)
                current = guard
                open_skips = self.add_skips(guard, position, block)
            if node not in absorbed:
                self.add_node(node, block, producer_of.get(node))
        for skip in open_skips:
            skip.index = len(block.steps)

    def add_skips(self, guard: Guard, position: dict[Apply, int], block: Block) -> list[Step]:
        """Append the questions that decide whether the next steps run; return what leads past them.

        The last question of a case leads to these steps, the others to the next case; those of the
        last case lead past them.
        """

        def place(choice: Choice) -> tuple[int, int, int]:
            # What a condition was computed for is asked before the condition.
            condition, branch = choice
            made = -1 if condition.owner is None else position.get(condition.owner, -1)
            return made, self.read_slot(condition).number, branch

        known = [[c for c in case if self.is_decided(c[0])] for case in guard]
        cases = sorted(sorted(map(place, case)) for case in known)
        if not all(cases):
            return []
        hits: list[Step] = []
        misses: list[Step] = []
        for case in cases:
            for skip in misses:
                skip.index = len(block.steps)
            misses = []
            for k, (_, number, branch) in enumerate(case):
                hit = k == len(case) - 1 and case is not cases[-1]
                wanted = 1 - branch if hit else branch
                skip = Step(SKIP, 0, [self.slots[number]], (), None, None, (), wanted)
                block.steps.append(skip)
                (hits if hit else misses).append(skip)
        for skip in hits:
            skip.index = len(block.steps)
        return misses

    def is_decided(self, condition: Variable) -> bool:
        return condition in self.slot_of or isinstance(condition, Constant)

    def add_block(self, inner: "FunctionGraph") -> tuple[int, list[Slot]]:
        """Lower the inner graph of a kernel; return the number of its block and its slots."""
        number = len(self.blocks)
        block = Block()
        self.blocks.append(block)
        slots = [self.new_slot(v) for v in inner.inputs]
        for slot in slots:
            slot.flags |= LOAN
        self.add_graph(schedule(inner), block, inner.outputs)
        block.outputs = [self.read_slot(v) for v in inner.outputs]
        for slot in block.outputs:
            slot.flags |= LOAN
        return number, [*slots, *block.outputs]


def _checked_kernel(node: Apply, form: dict[str, bool]) -> CKernel | None:
    """Dispatch, and refuse kernels for values that C cannot see."""
    load_dispatch(node.op)
    kernel = c_funcify(node.op, node=node, **form)
    if kernel is None:
        return None
    for i, source in kernel.views.items():
        # What is not declared is not copied where memory must not be shared.
        if source not in node.op.view_map.get(i, ()):
            raise ValueError(f"[C backend] output {i} of {node.op} must be in its view_map")
    for i, variable in enumerate(node.inputs):
        if i not in kernel.unused and not _is_plain(variable):
            return None
    return kernel if all(map(_is_plain, node.outputs)) else None


def _is_plain(variable: Variable) -> bool:
    return Slot(0, variable.type).type_num >= 0


def _with_header(blocks: Sequence[int], data: bytes) -> bytes:
    """Return parameters as the driver wants them: their size first; at least 64 bytes."""
    size = max(8 * (1 + len(blocks)) + len(data), 64)
    return np.array([size, *blocks], np.int64).tobytes() + data.ljust(
        size - 8 * (1 + len(blocks)), b"\0"
    )


def _int32(values: Any) -> bytes:
    return np.array(values, dtype=np.int32).tobytes()


def lower(
    fgraph: "FunctionGraph", plan: Schedule, interpret: bool | None = None, may_compile: bool = True
) -> Lowered:
    """Lower a graph.

    Parameters
    ----------
    fgraph : FunctionGraph
    plan : Schedule
        The order in which its nodes run.
    interpret : bool, optional
        Whether loops are interpreted at first; as `config.compile__tier` says by default.
    may_compile : bool
        Without, what neither came with the package nor can be interpreted is a Python step.
    """
    if interpret is None:
        interpret = config.compile__tier != "native" or not may_compile
    state = _Lowering(interpret, may_compile)
    main = Block()
    state.blocks.append(main)
    inputs = [state.new_slot(v) for v in fgraph.inputs]
    for positions in destroyed_inputs(fgraph, (n for n in plan.order if n.op.destroy_map)).values():
        for i in positions:
            inputs[i].flags |= DESTROYED
    state.add_graph(plan, main, fgraph.outputs)
    main.outputs = [state.read_slot(v) for v in fgraph.outputs]
    memory = MemoryPlan(state.blocks)
    split = split_units(state.bodies, ready_numbers(), interpret)
    tables, step_nodes, later_numbers = _tables(state, split)
    tables |= {
        "outputs": _int32([slot.number for slot in main.outputs]),
        "static_shape": _static_shapes(inputs),
        "filters": tuple([v.type.filter for v in fgraph.inputs]),
        "n_buffers": memory.n_buffers,
    }
    missing = tuple(state.missing)
    special = _special(state) if may_compile else ()
    return Lowered(split.units, tables, step_nodes, split.later, later_numbers, missing, special)


def _special(state: _Lowering) -> tuple[tuple[int, Specialise], ...]:
    """Return the steps whose kernels may be exchanged after the first call."""
    steps = [step for block in state.blocks for step in block.steps]
    return tuple(
        [
            (number, step.kernel.specialise)
            for number, step in enumerate(steps)
            if step.kernel is not None and step.kernel.specialise is not None
        ]
    )


def _static_shapes(inputs: Sequence[Slot]) -> bytes:
    lengths = [n for slot in inputs if slot.type_num >= 0 for n in slot.static_shape]
    return np.array([-1 if n is None else n for n in lengths], dtype=np.int64).tobytes()


def _tables(state: _Lowering, split: Split) -> tuple[dict[str, Any], list[Apply | None], bytes]:
    """Write slots, steps, arguments and blocks as the rows the driver reads."""
    data: dict[bytes, int] = {}
    later: list[int] = []
    steps: list[tuple[int, ...]] = []
    args: list[int] = []
    blocks: list[tuple[int, int]] = []
    nodes: list[Apply | None] = []
    for block in state.blocks:
        start = len(steps)
        for step in block.steps:
            index, own = step.index, step.data
            later.append(-1)
            if step.kind == SKIP:
                index += start
            elif step.kind == KERNEL:
                later[-1] = split.later_numbers[index]
                index = split.numbers[index]
                if index < 0:
                    assert step.kernel is not None and step.kernel.interpreted is not None
                    # The interpreter is the last of the libraries.
                    index = split.n_kernels + step.kernel.interpreted.kind
                    own = step.kernel.interpreted.data
            at = -1 if own is None else data.setdefault(own, len(data))
            n_out = step.branch if step.kind == SKIP else len(step.writes)
            steps.append((step.kind, index, len(args), len(step.reads), n_out, at))
            for slots in (step.reads, step.writes, step.block_slots):
                args.extend([slot.number for slot in slots])
            nodes.append(step.node)
        blocks.append((start, len(steps)))
    tables = {
        "slots": _int32([slot.row() for slot in state.slots]),
        "steps": _int32(steps),
        "args": _int32(args),
        "blocks": _int32(blocks),
        "constants": _int32([number for number, _ in state.constants]),
        "constant_values": tuple([value for _, value in state.constants]),
        "calls": tuple(state.calls),
        "data": tuple(data),
    }
    return tables, nodes, _int32(later)
