"""What of a step can be computed outside of the loop, for all steps at once."""

from collections.abc import Collection, Iterable, Mapping, Sequence

import numpy as np

from pytensor.graph.basic import Apply, Constant, Variable, nodes_in_order
from pytensor.graph.replace import vectorize_node
from pytensor.graph.rewriting.basic import copy_stack_trace
from pytensor.raise_op import CheckAndRaise
from pytensor.scalar import basic as scalar
from pytensor.scan.op import Scan
from pytensor.tensor.basic import as_tensor_variable
from pytensor.tensor.elemwise import CAReduce, DimShuffle, Elemwise
from pytensor.tensor.math import Dot, dot, ge
from pytensor.tensor.shape import Shape, Shape_i, SpecifyShape, shape
from pytensor.tensor.special import LogSoftmax, Softmax
from pytensor.tensor.subtensor import Subtensor

# Kinds of values of a step: the same at each step, known before the loop, all others.
FIXED, STACKED, VARYING = range(3)

# Ops that do for a stack, without a loop in Python and without errors of their own, what they do
# for one element. Nothing here may fail for values: there may be no step at all.
_BATCHED = (Elemwise, DimShuffle, CAReduce, Dot, Softmax, LogSoftmax)
# Work that costs less than reading its operands from memory again.
_CHEAP = (
    scalar.Add, scalar.Sub, scalar.Mul, scalar.TrueDiv, scalar.Neg, scalar.Sqr, scalar.Cast,
    scalar.Identity, scalar.Second, scalar.Switch, scalar.Abs, scalar.Maximum, scalar.Minimum,
    scalar.LogicalComparison, scalar.BinaryBitOp, scalar.UnaryBitOp, scalar.Sign, scalar.Sqrt,
    scalar.Reciprocal, scalar.Composite,
)  # fmt: skip
# Rows of matrices from which on one product for each step is as quick as one for all: measured with
# 2, 16, 64 rows of 32 and 128 numbers, by the batch 0.7, 1.1 and 1.2 times the time.
MOST_ROWS = 4
# Elements of a temporary of one step that may become a temporary of all steps.
_SMALL = 4096


def kinds_of(op: Scan, inputs: Sequence[Variable], nodes: Iterable[Apply]) -> dict[Variable, int]:
    """Sort the variables of a step by when they are known.

    A value counts as `STACKED` only if its op works on stacks as well.
    """
    info = op.info
    kinds = dict.fromkeys(inputs, VARYING)
    kinds.update(dict.fromkeys(inputs[: info.n_seqs], STACKED))
    kinds.update(dict.fromkeys(inputs[info.inner_in["non_seqs"]], FIXED))
    rank = max((getattr(v.type, "ndim", 0) for v in inputs[: info.inner_in["untraced"].stop]), default=0)  # fmt: skip
    rank = max([rank, *(getattr(v.type, "ndim", 0) for v in op.inner_outputs)])
    for node in nodes:
        kind = max((kinds.get(v, FIXED) for v in node.inputs), default=FIXED)
        if kind == STACKED and not _is_batched(node, rank):
            kind = VARYING
        kinds.update(dict.fromkeys(node.outputs, kind))
    return kinds


def frozen_kinds(op: Scan) -> dict[Variable, int]:
    """Return the kinds of the variables of the inner graph itself: most rules look and go."""
    found = op._derivatives.get("kinds")
    if found is None:
        found = kinds_of(op, op.fgraph.inputs, op.fgraph.toposort())
        op._derivatives["kinds"] = found
    return found


def _is_batched(node: Apply, rank: int) -> bool:
    """Tell whether a node can do its work for all steps at once, in bounded memory."""
    if not isinstance(node.op, _BATCHED):
        if not isinstance(node.op, Subtensor) or not all(
            isinstance(v, Constant) for v in node.inputs[1:]
        ):
            return False
        # An index may be out of range.
        if not all(isinstance(i, slice) for i in node.op.idx_list):
            return False
    if isinstance(node.op, Elemwise) and not isinstance(node.op.scalar_op, scalar.ScalarOp):
        return False
    return fits(node.outputs[0], rank)


def fits(var: Variable, rank: int) -> bool:
    """Tell whether stacking `var` takes no other order of memory than what is stacked anyway."""
    static = var.type.shape
    if sum(n != 1 for n in static) <= rank:
        return True
    return None not in static and int(np.prod(static)) <= _SMALL


def is_product(node: Apply, kinds: Mapping[Variable, int]) -> bool:
    """Tell whether a node multiplies a vector of each step by one matrix: one product for all."""
    if not isinstance(node.op, Dot) or node.inputs[0].type.shape[1] == 1:
        return False
    left, right = (kinds.get(v, FIXED) != FIXED for v in node.inputs)
    if left == right:
        return False
    n = node.inputs[0].type.shape[0] if left else node.inputs[1].type.shape[1]
    return n is not None and n <= MOST_ROWS


def is_costly(node: Apply) -> bool:
    """Tell whether a node computes functions of numbers that take long one by one."""
    return (
        isinstance(node.op, Elemwise)
        and node.outputs[0].type.ndim == 0
        and not isinstance(node.op.scalar_op, _CHEAP)
    )


def pays(var: Variable, kinds: Mapping[Variable, int], blockers: Collection[Variable]) -> bool:
    """Tell whether computing `var` for all steps at once saves work.

    What is elementwise on arrays is done with the elementwise work around it, in one pass, and
    costs more outside. Products are quicker by the batch, and so are functions like ``exp``.
    """
    for node in nodes_in_order([var], set(blockers)):
        if kinds.get(node.outputs[0], FIXED) == FIXED:
            continue
        if is_product(node, kinds) or is_costly(node):
            return True
        if isinstance(node.op, CAReduce) and node.inputs[0].type.ndim:
            return True
    return False


# Computing for all steps -----------------------------------------------------------------


def batched(
    outputs: Sequence[Variable],
    stacks: Mapping[Variable, Variable],
    fixed: Mapping[Variable, Variable],
) -> list[Variable]:
    """Return the values of all steps along a new first axis.

    Parameters
    ----------
    outputs : sequence of Variable
        Of a step.
    stacks, fixed : mapping
        From variables of the step to stacks of their values, and to what does not change.
    """
    found = {**fixed, **stacks}
    is_stack = set(stacks)
    for node in nodes_in_order(outputs, set(found)):
        inputs = [found.get(v, v) for v in node.inputs]
        over = [v in is_stack for v in node.inputs]
        if not any(over):
            new = node.op.make_node(*inputs).outputs
        elif isinstance(node.op, Dot) and over.count(True) == 1:
            new = [_one_product(*inputs, over[0], node)]
        else:
            result = vectorize_node(node, *inputs)
            new = result.outputs if isinstance(result, Apply) else list(result)
        copy_stack_trace(node.outputs, new)
        found.update(zip(node.outputs, new, strict=True))
        if any(over):
            is_stack.update(node.outputs)
    return [found.get(v, v) for v in outputs]


def _one_product(x: Variable, y: Variable, left: bool, node: Apply) -> Variable:
    """Return the products of a stack with one matrix: one product where they are of vectors."""
    if left and node.inputs[0].type.shape[0] == 1:
        return dot(x.dimshuffle(0, 2), y).dimshuffle(0, "x", 1)
    if not left and node.inputs[1].type.shape[1] == 1:
        return dot(y.dimshuffle(0, 1), x.dimshuffle(1, 0)).dimshuffle(0, 1, "x")
    return vectorize_node(node, x, y).outputs[0]


def same_length(a: Variable, b: Variable) -> bool:
    """Tell whether two numbers of steps are known to be equal."""
    if a is b:
        return True
    return isinstance(a, Constant) and isinstance(b, Constant) and int(a.data) == int(b.data)


def rows(stack: Variable, n_steps: Variable, exact: bool, name: str, check: bool) -> Variable:
    """Return the elements of a sequence that the loop walks along.

    Parameters
    ----------
    exact : bool
        Whether the sequence is known to have no more and no fewer.
    name : str
        For the message: of the loop and of the sequence.
    check : bool
        Whether nothing else notices if there are not enough: then there is a ValueError when it is
        computed, as the loop has.
    """
    known = stack.type.shape[0]
    n = int(n_steps.data) if isinstance(n_steps, Constant) else None
    if exact or (n is not None and known == n):
        return stack
    if (n is not None and known is not None and known > n) or (not check and known != 1):
        return stack[:n_steps]
    wanted = "n_steps" if n is None else f"n_steps = {n}"
    message = f"{name} must have at least {wanted} elements"
    enough = ge(as_tensor_variable(shape(stack)[0]), n_steps)
    return CheckAndRaise(ValueError, message)(stack, enough)[:n_steps]


# Work that may fail ----------------------------------------------------------------------

_HARMLESS = (
    *_BATCHED, Shape, Shape_i, SpecifyShape, Subtensor,
)  # fmt: skip


def is_harmless(node: Apply) -> bool:
    """Tell whether a node may be computed though no step needs it."""
    return isinstance(node.op, _HARMLESS) and not node.op.destroy_map
