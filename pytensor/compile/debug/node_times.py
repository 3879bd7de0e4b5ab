"""What was measured of one node, and what follows from it: work, traffic, rates."""

from typing import Any, NamedTuple

from pytensor.graph.basic import Apply, Variable
from pytensor.graph.fg import FunctionGraph
from pytensor.graph.utils import user_line
from pytensor.utils import late

Shape = tuple[int, ...] | None


class CallTimes(NamedTuple):
    """Whole calls: of the program, and of the function around it (0 if its driver does not count)."""

    calls: int = 0
    seconds: float = 0.0
    outer_calls: int = 0
    outer_seconds: float = 0.0
    failed: int = 0
    held_bytes: int = 0


class NodeTimes:
    """One node of one program.

    Attributes
    ----------
    fgraph, node
    reader : Apply or None
        The reduction that runs in the same loop.
    seconds, runs
        In all calls. Seconds of a loop (Scan) include those of its inner nodes.
    backend : str
        ``"C"``, ``"VM"`` (a loop that is interpreted so far) or ``"Py"``.
    inputs, outputs : list of tuple of int, or None
        Shapes in the latest call.
    traffic, bytes_out : int
        Bytes read and written, and written alone, in the latest run; 0 for views.
    start, last_seconds, last_runs
        In the latest call: when it began after the call began, seconds, runs.
    is_inner : bool
        It belongs to the inner graph of another node.
    """

    # Written out: `dataclass` would take a millisecond of every import of pytensor.
    def __init__(
        self,
        fgraph: FunctionGraph,
        node: Apply,
        seconds: float,
        runs: int,
        backend: str = "Py",
        reader: Apply | None = None,
        inputs: list[Shape] | None = None,
        outputs: list[Shape] | None = None,
        traffic: int = 0,
        bytes_out: int = 0,
        start: float = 0.0,
        last_seconds: float = 0.0,
        last_runs: int = 0,
        is_inner: bool = False,
    ):
        self.fgraph, self.node, self.reader = fgraph, node, reader
        self.seconds, self.runs, self.backend = seconds, runs, backend
        self.inputs: list[Shape] = [] if inputs is None else inputs
        self.outputs: list[Shape] = [] if outputs is None else outputs
        self.traffic, self.bytes_out, self.start = traffic, bytes_out, start
        self.last_seconds, self.last_runs, self.is_inner = last_seconds, last_runs, is_inner

    @property
    def title(self) -> str:
        """The Op, with what runs in the same loop."""
        text = str(self.node.op)
        return text if self.reader is None else f"{text} + {self.reader.op}"

    @property
    def line(self) -> str:
        """The user's line, or an empty text."""
        for node in filter(None, (self.node, self.reader)):
            for thing in (node, *node.outputs):
                found = user_line(thing)
                if found:
                    return found
        return ""

    @property
    def flops(self) -> int | None:
        """Floating-point operations of a run: of products and decompositions; None for others."""
        return flops_of(self.node, self.inputs)

    @property
    def rate(self) -> str:
        """GFLOP/s of products and decompositions, GB/s of what moves data; empty for others."""
        if not self.runs or self.seconds <= 0:
            return ""
        once = self.seconds / self.runs
        work = self.flops
        if work:
            return _per_second(work / once, "FLOP/s")
        moves = any(cls.__name__ in _MOVERS for cls in type(self.node.op).__mro__)
        return _per_second(self.traffic / once, "B/s") if moves and self.traffic else ""


# Classes of Ops whose time is that of memory; what others read and write says little about them.
_MOVERS = {
    *("Elemwise", "CAReduce", "Softmax", "LogSoftmax", "SoftmaxGrad", "Alloc", "Join", "Split"),
    *("DeepCopyOp", "Subtensor", "AdvancedSubtensor", "AdvancedSubtensor1", "IncSubtensor"),
    *("AdvancedIncSubtensor", "AdvancedIncSubtensor1", "CumOp", "Argmax", "MakeVector", "Reshape"),
}


def _per_second(number: float, unit: str) -> str:
    for factor, prefix in ((1e-9, "G"), (1e-6, "M")):
        if number * factor >= 0.1:
            return f"{number * factor:.3g} {prefix}{unit}"
    return f"{number * 1e-3:.3g} k{unit}"


class _Shapes:
    """Lengths of arrays as `work_of` asks for them, all known."""

    def __init__(self, variables: list[Variable], shapes: list[Shape]) -> None:
        self._known = dict(zip(variables, shapes))

    def of(self, variable: Variable) -> tuple[int, ...]:
        shape = self._known[variable]
        assert shape is not None
        return shape


# Operations per cube of the length, and per column of a right-hand side and square of the length.
_DECOMPOSITIONS = {
    "Cholesky": (1 / 3, 0),
    "SolveTriangular": (0, 1),
    "CholeskySolve": (0, 2),
    "Solve": (2 / 3, 2),
    "MatrixInverse": (2, 0),
    "Det": (2 / 3, 0),
    "SLogDet": (2 / 3, 0),
    "LU": (2 / 3, 0),
    "LUFactor": (2 / 3, 0),
}


def flops_of(node: Apply, shapes: list[Shape]) -> int | None:
    """Return the floating-point operations of a product or decomposition, None for other nodes."""
    if len(shapes) != len(node.inputs) or not shapes:
        return None
    core = getattr(node.op, "core_op", node.op)
    name = type(core).__name__
    if name in _DECOMPOSITIONS and None not in shapes:
        return _decomposition(name, shapes)
    if not late("pytensor.tensor.rewriting.explain_words:is_product")(node):
        return None
    try:
        work = late("pytensor.tensor.rewriting.explain_lengths:work_of")(
            node, _Shapes(node.inputs, shapes)
        )
    except (AssertionError, KeyError, IndexError):
        return None
    return int(work.get((), 0)) or None


def _decomposition(name: str, shapes: list[Any]) -> int:
    cube, square = _DECOMPOSITIONS[name]
    *batch, n = shapes[0][:-1] if len(shapes[0]) > 1 else (1,)
    columns = 1
    if square and len(shapes) > 1:
        columns = shapes[1][-1] if len(shapes[1]) == len(shapes[0]) else 1
    many = 1
    for length in batch:
        many *= length
    return int(many * (cube * n**3 + square * columns * n**2))
