"""A loop that is differentiated, and a loop that reads its values step by step."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pytensor.graph.basic import Constant, Variable, nodes_in_order
from pytensor.graph.fg import FunctionGraph
from pytensor.graph.null_type import NullType
from pytensor.graph.replace import clone_replace
from pytensor.graph.rewriting.basic import MergeOptimizer
from pytensor.graph.traversal import ancestors
from pytensor.scan.args import ScanArgs
from pytensor.scan.closure import close_over, placeholder
from pytensor.tensor.basic import cast, zeros
from pytensor.tensor.math import minimum
from pytensor.tensor.shape import shape
from pytensor.tensor.type import TensorType

if TYPE_CHECKING:
    from pytensor.scan.op import Scan


class Forward:
    """A loop that is differentiated: its step, and its values along another loop.

    Parameters
    ----------
    op, inputs, outputs
        Of the node.
    backwards : bool
        The other loop walks from the last step to the first.
    """

    def __init__(self, op: "Scan", inputs, outputs, backwards: bool) -> None:
        if op.info.n_mit_mot:
            raise NotImplementedError(
                f"[{op}] derivatives of loops with mit-mots are not implemented"
            )
        self.op, self.info = op, op.info
        self.inputs, self.outputs = list(inputs), list(outputs)
        self.backwards = backwards
        graph = op.unfrozen()
        self.inner, self.results = list(graph.inputs), list(graph.outputs)
        self.states = [o for o in range(op.info.n_mit_sot + op.info.n_sit_sot)]
        self.taps = op.info.mit_sot_in_slices + op.info.sit_sot_in_slices
        self.reads = op.inner_mitsot_grouped(self.inner) + [
            [v] for v in op.inner_sitsot(self.inner)
        ]
        self.n_traced = len(self.states) + op.info.n_nit_sot
        self.draws = self._draws()
        self.done = self._steps_done()
        self.steps = self.done
        if backwards and op.truncate_gradient >= 0:
            self.steps = minimum(self.done, op.truncate_gradient)
        self.truncated = self.steps is not self.done

    def _steps_done(self) -> Variable:
        if not self.info.as_while:
            return self.inputs[0]
        if not self.n_traced:
            raise NotImplementedError(
                f"[{self.op}] the number of steps of a while loop must be known from an output"
            )
        lag = self.info.lags[0] if self.states else 0
        return shape(self.outputs[0])[0] - lag

    def _draws(self) -> list[Variable]:
        """Return what is read of untraced states: random draws, above all."""
        untraced = self.inner[self.info.inner_in["untraced"]]
        hidden = set(untraced)
        found = [v for v in untraced if isinstance(v.type, TensorType)]
        for node in nodes_in_order(self.results, set(self.inner)) if untraced else ():
            of_hidden = [v for v in node.inputs if v in hidden]
            if not of_hidden:
                continue
            hidden.update(node.outputs)
            if not all(isinstance(v.type, TensorType) for v in of_hidden):
                found += [v for v in node.outputs if isinstance(v.type, TensorType)]
        return found

    def record(self, draws: Sequence[Variable]) -> list[Variable]:
        """Return stacks of draws of all steps: by the same loop, which keeps them."""
        args = ScanArgs(self.inputs, self.outputs, self.inner, self.results, self.info)
        args.outer_in_nit_sot += [self.inputs[0] for _ in draws]
        args.inner_out_nit_sot += draws
        old = self.op
        op = type(old)(
            args.inner_inputs,
            args.inner_outputs,
            args.info,
            mode=old.mode,
            truncate_gradient=old.truncate_gradient,
            name=old.name,
        )
        op.exact = old.exact
        outputs = op(*args.outer_inputs, return_list=True)
        return op.outer_nitsot_outs(outputs)[self.info.n_nit_sot :]

    def buffer(self, state: int) -> Variable:
        """Return the initial buffer of a state."""
        return self.inputs[1 + self.info.n_seqs + state]

    def is_real(self, var: Variable) -> bool:
        """Tell whether a value can have a derivative."""
        return isinstance(var.type, TensorType) and var.type.numpy_dtype.kind in "fc"

    def along(self, stack: Variable, first: int = 0) -> Variable:
        """Return the elements of `stack` from `first` on, one for each step, in walking order."""
        taken = stack[first : self.done + first] if first else stack[: self.done]
        if not self.backwards:
            return taken
        taken = taken[::-1]
        return taken[: self.steps] if self.truncated else taken

    def value(self, var: Variable) -> Variable:
        """Return the values of a sequence element or a state, along the other loop."""
        at = next(i for i, v in enumerate(self.inner) if v is var)
        if at < self.info.n_seqs:
            return self.along(self.inputs[1 + at])
        for state, (taps, reads) in enumerate(zip(self.taps, self.reads, strict=True)):
            for tap, read in zip(taps, reads, strict=True):
                if read is var:
                    return self.along(self.outputs[state], self.info.lags[state] + tap)
        raise NotImplementedError(
            f"[{self.op}] the derivative needs the values of an untraced state ({var.type}) at each "
            "step"
        )

    def result(self, output: int) -> Variable:
        """Return the results of the forward steps, along the other loop."""
        lag = self.info.lags[output] if output < len(self.states) else 0
        return self.along(self.outputs[output], lag)


def _reuse_results(forward: Forward, expressions: Sequence[Variable]):
    """Replace results of the forward step in `expressions` by placeholders.

    Returns
    -------
    expressions : list of Variable
    results : dict
        Maps placeholders to the number of the output they stand for; after them come the draws.
    """
    outputs = [*forward.results[: forward.n_traced], *forward.draws]
    leaves = [
        v
        for v in ancestors([*outputs, *expressions])
        if v.owner is None and not isinstance(v, Constant)
    ]
    graph = FunctionGraph(leaves, [*outputs, *expressions], clone=True)
    MergeOptimizer().rewrite(graph)
    merged = list(graph.outputs)
    stand_ins: dict[Variable, Variable] = {}
    results: dict[Variable, int] = {}
    for i, var in enumerate(merged[: len(outputs)]):
        is_result = var.owner is not None or i >= forward.n_traced
        if is_result and var not in stand_ins:
            stand_ins[var] = placeholder(var)
            results[stand_ins[var]] = i
    back = dict(zip(graph.inputs, leaves, strict=True))
    found = clone_replace(merged[len(outputs) :], {**back, **stand_ins})
    return found, results


class Loop:
    """A loop under construction that reads values of another one."""

    def __init__(self, forward: Forward) -> None:
        self.forward = forward
        self.args = ScanArgs.create_empty()
        self.args.n_steps = forward.steps

    def add_seq(self, outer: Variable) -> Variable:
        """Walk along `outer`; return what stands for its elements."""
        inner = outer.type.clone(shape=outer.type.shape[1:])()
        self.args.outer_in_seqs.append(outer)
        self.args.inner_in_seqs.append(inner)
        return inner

    def finish(self, name: str) -> list[Variable]:
        """Read what is needed of the forward loop, and return the outputs of the node."""
        forward, args = self.forward, self.args
        own = set(args.inner_inputs)
        expressions, results = _reuse_results(forward, args.inner_outputs)
        n_varying = forward.info.inner_in["untraced"].stop
        fixed = forward.op.inner_non_seqs(forward.inner)
        outer = forward.op.outer_non_seqs(forward.inputs)
        replace = dict(zip(fixed, outer, strict=True))
        used = set(ancestors(expressions))
        for var in forward.inner[:n_varying]:
            if var in used:
                replace[var] = self.add_seq(forward.value(var))
        drawn = [v for v, output in results.items() if v in used and output >= forward.n_traced]
        kept = [forward.draws[results[v] - forward.n_traced] for v in drawn]
        for var, stack in zip(drawn, forward.record(kept) if kept else (), strict=True):
            replace[var] = self.add_seq(forward.along(stack))
        for var, output in results.items():
            if var in used and output < forward.n_traced:
                replace[var] = self.add_seq(forward.result(output))
        expressions = replaced(expressions, replace)
        own.update(args.inner_in_seqs)
        outer, inner, expressions = close_over(expressions, own)
        args.outer_in_non_seqs, args.inner_in_non_seqs = outer, inner
        at = 0
        for field in ("mit_sot", "sit_sot", "nit_sot"):
            values = getattr(args, f"inner_out_{field}")
            values[:] = expressions[at : at + len(values)]
            at += len(values)
        op = type(forward.op)(
            args.inner_inputs, args.inner_outputs, args.info, mode=forward.op.mode, name=name
        )
        op.exact = True
        self.op = op
        return op(*args.outer_inputs, return_list=True)


def replaced(expressions: Sequence[Variable], replace: dict[Variable, Variable]):
    """Put variables in place of others; lengths known to one side only don't matter."""
    return clone_replace(list(expressions), replace, rebuild_strict=False)


def core_zeros(like: Variable, dtype: str, n: int) -> Variable:
    """Return `n` zeros for elements like those of the stack `like`."""
    static = like.type.shape[1:]
    lengths = shape(like) if None in static else None
    return zeros((n, *(lengths[i + 1] if m is None else m for i, m in enumerate(static))), dtype)


def in_dtype_of(var: Variable, term: Variable) -> Variable:
    """Return a derivative in the dtype of what it is a derivative of."""
    if isinstance(term.type, NullType) or term.type.dtype == var.type.dtype:
        return term
    if var.type.numpy_dtype.kind == "f" and term.type.numpy_dtype.kind == "c":
        term = term.real
    return cast(term, var.type.dtype)
