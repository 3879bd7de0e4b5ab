"""Ops made of other scalar ops: `ScalarInnerGraphOp` and `Composite`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from pytensor.graph.basic import Apply, Constant, Variable
from pytensor.graph.fg import FrozenFunctionGraph
from pytensor.graph.op import HasInnerGraph
from pytensor.graph.traversal import io_toposort
from pytensor.scalar import formula
from pytensor.scalar.op import ScalarOp
from pytensor.scalar.type import ScalarType, get_scalar_type
from pytensor.scalar.variable import as_scalar


class Program:
    """A scalar graph as a list of steps over numbered cells, which runs, compares and hashes by structure.

    Cells hold the inputs, then the constants, then the outputs of the steps.

    Attributes
    ----------
    dtypes : tuple of str
        Of the inputs.
    constants : tuple of (dtype, NumPy scalar)
    steps : tuple of (op, cells of the inputs, dtypes of the outputs)
    outputs : tuple of int
        The cells that are the results.
    """

    def __init__(self, inputs: Sequence[Variable], outputs: Sequence[Variable]):
        cells: dict[Variable, int] = {x: i for i, x in enumerate(inputs)}
        if len(cells) != len(inputs):
            raise ValueError(f"[Composite] inputs must differ, got {inputs}")
        nodes = io_toposort(inputs, outputs)
        constants: list[tuple[str, Any]] = []
        by_signature: dict[Any, int] = {}
        for x in (x for node in nodes for x in node.inputs):
            if x not in cells and x.owner is None:
                cells[x] = self._constant_cell(x, len(inputs), constants, by_signature)
        for x in outputs:
            if x not in cells and x.owner is None:
                cells[x] = self._constant_cell(x, len(inputs), constants, by_signature)
        steps, n = [], len(inputs) + len(constants)
        for node in nodes:
            out_dtypes = tuple(out.type.dtype for out in node.outputs)
            steps.append((node.op, tuple(cells[x] for x in node.inputs), out_dtypes))
            for out in node.outputs:
                cells[out] = n
                n += 1
        self.dtypes = tuple(x.type.dtype for x in inputs)
        self.constants = tuple(constants)
        self.steps = tuple(steps)
        self.outputs = tuple(cells[x] for x in outputs)
        self.key = (self.dtypes, tuple(by_signature), self.steps, self.outputs)
        self._hash = hash(self.key)

    @staticmethod
    def _constant_cell(x, n_inputs, constants, by_signature) -> int:
        if not isinstance(x, Constant):
            raise ValueError(
                f"[Composite] {x} must be an input, a constant or computed from inputs"
            )
        signature = x.signature()
        if signature not in by_signature:
            by_signature[signature] = n_inputs + len(constants)
            constants.append((x.type.dtype, x.data))
        return by_signature[signature]

    def __eq__(self, other):
        return isinstance(other, Program) and self.key == other.key

    def __hash__(self):
        return self._hash

    def __getstate__(self):
        return {k: v for k, v in self.__dict__.items() if k not in ("plan", "_hash")}

    def __setstate__(self, state):
        self.__dict__.update(state)
        self._hash = hash(self.key)  # hashes of strings differ between processes

    @cached_property
    def plan(self) -> list[tuple]:
        """The steps with all dtypes: (op, cells of the inputs, their dtypes, dtypes of the outputs)."""
        dtypes = [*self.dtypes, *(dtype for dtype, _ in self.constants)]
        plan = []
        for op, cells, out_dtypes in self.steps:
            plan.append((op, cells, [dtypes[c] for c in cells], out_dtypes))
            dtypes.extend(out_dtypes)
        return plan

    def has_c(self) -> bool:
        """Tell whether there is C for every step."""
        return all(op.has_c(in_dtypes, out_dtypes) for op, _, in_dtypes, out_dtypes in self.plan)

    def run(self, values: Sequence) -> list:
        """Compute the outputs from numbers or arrays."""
        cells = [*values, *(value for _, value in self.constants)]
        for op, arguments, in_dtypes, out_dtypes in self.plan:
            cells.extend(op.evaluate([cells[c] for c in arguments], in_dtypes, out_dtypes))
        return [cells[c] for c in self.outputs]


class ScalarInnerGraphOp(ScalarOp, HasInnerGraph):
    """A scalar op that is described by a graph of scalar ops.

    The graph is kept as a `Program`; variables for it are made when somebody looks.
    """

    vectorized_impl = True
    program: Program

    def __eq__(self, other):
        return self is other or (type(self) is type(other) and self.program == other.program)

    def __hash__(self):
        return hash((type(self), self.program))

    def __getstate__(self):
        made = ("fgraph", "_graph", "step")
        return {k: v for k, v in super().__getstate__().items() if k not in made}

    @cached_property
    def _graph(self) -> tuple[list[Variable], list[Variable]]:
        inputs = [get_scalar_type(dtype)(f"i{i}") for i, dtype in enumerate(self.program.dtypes)]
        return inputs, rebuild(self.program, inputs)

    @property
    def inputs(self) -> list[Variable]:
        return self._graph[0]

    @property
    def outputs(self) -> list[Variable]:
        return self._graph[1]

    @cached_property
    def fgraph(self) -> FrozenFunctionGraph:
        """The inner graph, in variables of its own."""
        return FrozenFunctionGraph.from_io(*self._graph)

    @property
    def inner_graphs(self) -> list[FrozenFunctionGraph]:
        return [self.fgraph]

    @property
    def fn(self):
        raise NotImplementedError(f"[{self}] scalar graphs have no compiled function of their own")

    @property
    def inner_inputs(self) -> list[Variable]:
        return self.fgraph.inputs

    @property
    def inner_outputs(self) -> list[Variable]:
        return self.fgraph.outputs

    def c_template(self, in_dtypes, out_dtypes):
        """There is no single expression: a backend translates `program` step by step."""
        return None

    def has_c(self, in_dtypes, out_dtypes):
        return self.program.has_c()

    def pullback(self, inputs, outputs, cotangents):
        raise NotImplementedError(f"pullback is not implemented for {type(self).__name__}")

    def pushforward(self, inputs, outputs, tangents):
        raise NotImplementedError(f"pushforward is not implemented for {type(self).__name__}")


class Composite(ScalarInnerGraphOp):
    """A graph of scalar ops as one op.

    Parameters
    ----------
    inputs : list of ScalarVariable
    outputs : list of ScalarVariable
        Composites among the operations are replaced by their own graphs.
    name : str, optional

    Examples
    --------
    >>> from pytensor.scalar import float64
    >>> x, y = float64("x"), float64("y")
    >>> Composite([x, y], [x * y + 1]).nin
    2
    """

    def __init__(self, inputs, outputs, name: str | None = None, cleanup: bool = True):
        inputs, outputs = list(inputs), list(outputs)
        for x in (*inputs, *outputs):
            if not isinstance(x.type, ScalarType):
                raise TypeError(f"[Composite] inputs and outputs must be scalars, got {x.type}")
        if any(isinstance(x, Constant) for x in inputs):
            raise TypeError("[Composite] inputs must be variables, got a constant")
        self.program = Program(inputs, flatten(inputs, outputs))
        self.nin, self.nout = len(inputs), len(outputs)  # type: ignore[misc]
        self.inputs_type = tuple(x.type for x in inputs)
        self.outputs_type = tuple(x.type for x in outputs)
        super().__init__(name=name if name != "Composite" else None)

    @property
    def written_out(self) -> bool:
        """Whether ``str`` shows the whole formula."""
        return self.name is None and len(self.program.steps) <= 10

    def __str__(self):
        if self.name is not None:
            return self.name
        if not self.written_out:
            return "Composite{...}"
        terms = [formula.atom(f"i{i}") for i in range(self.nin)]
        terms += [formula.atom(str(value)) for _, value in self.program.constants]
        for op, cells, out_dtypes in self.program.steps:
            term = formula.apply(str(op), [terms[c] for c in cells])
            if len(out_dtypes) == 1:
                terms.append(term)
            else:
                terms += [formula.atom(f"{term[0]}.{k}") for k in range(len(out_dtypes))]
        return f"Composite{{{', '.join(terms[c][0] for c in self.program.outputs)}}}"

    def output_types(self, types):
        if tuple(types) != self.inputs_type:
            raise TypeError(
                f"Wrong types for Composite. Expected {self.inputs_type}, got {tuple(types)}."
            )
        return self.outputs_type

    def make_node(self, *inputs):
        """Apply the op; inputs of other types than its own give a Composite of those types."""
        inputs = [as_scalar(x) for x in inputs]
        if len(inputs) == self.nin and tuple(x.type for x in inputs) != self.inputs_type:
            return self._retyped([x.type for x in inputs]).make_node(*inputs)
        return super().make_node(*inputs)

    def _retyped(self, types) -> Composite:
        inputs = [t.make_variable() for t in types]
        return type(self)(inputs, rebuild(self.program, inputs), name=self.name)

    def clone(self):
        """Return an equal op with an inner graph of its own."""
        return type(self)(*self._graph, name=self.name)

    def compute_dtypes(self, in_dtypes, out_dtypes):
        return self.program.dtypes

    def impl(self, *inputs):
        values = [np.asarray(v)[()] for v in inputs]
        if len(values) != self.nin:
            raise ValueError(f"[{self}] must be given {self.nin} values, got {len(values)}")
        results = self.program.run(values)
        return results[0] if self.nout == 1 else tuple(results)


def rebuild(program: Program, inputs: Sequence[Variable]) -> list[Variable]:
    """Build the graph of `program` on other inputs."""
    cells = [*inputs, *(get_scalar_type(dtype).make_constant(v) for dtype, v in program.constants)]
    for op, arguments, _ in program.steps:
        cells.extend(op.make_node(*[cells[c] for c in arguments]).outputs)
    return [cells[c] for c in program.outputs]


def flatten(inputs: Sequence[Variable], outputs: Sequence[Variable]) -> list[Variable]:
    """Replace composites between inputs and outputs by their graphs."""
    nodes = io_toposort(inputs, outputs)
    if not any(isinstance(node.op, Composite) for node in nodes):
        return list(outputs)
    new: dict[Variable, Variable] = {}
    for node in nodes:
        arguments = [new.get(x, x) for x in node.inputs]
        if isinstance(node.op, Composite):
            results = rebuild(node.op.program, arguments)
        elif any(a is not b for a, b in zip(arguments, node.inputs)):
            results = Apply(node.op, arguments, [x.type() for x in node.outputs]).outputs
        else:
            continue
        new.update(zip(node.outputs, results))
    return [new.get(x, x) for x in outputs]
