"""The function `scan`: from one step, written in Python, to a loop in the graph."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from pytensor.compile.sharedvalue import SharedVariable
from pytensor.graph.basic import Constant, Variable
from pytensor.graph.replace import clone_replace
from pytensor.graph.traversal import graph_inputs
from pytensor.graph.utils import MissingInputError, add_tag_trace
from pytensor.raise_op import CheckAndRaise
from pytensor.scan.args import ScanArgs
from pytensor.scan.closure import close_over, closed_over, lazy_where_it_may_fail, placeholder
from pytensor.scan.op import Scan
from pytensor.scan.specs import (
    OutputSpec,
    SequenceSpec,
    as_list,
    read_outputs_info,
    read_sequences,
    read_step,
)
from pytensor.scan.utils import expand_empty
from pytensor.tensor.basic import as_tensor_variable, cast, constant
from pytensor.tensor.math import minimum
from pytensor.tensor.type import TensorType

__all__ = ["scan"]

_RETURN_WARNING = (
    "Scan return signature will change. Updates dict will not be returned, only the first "
    "argument. Pass `return_updates=False` to conform to the new API and avoid this warning"
)


def scan(
    fn: Callable,
    sequences=None,
    outputs_info=None,
    non_sequences=None,
    n_steps=None,
    truncate_gradient=-1,
    go_backwards=False,
    mode=None,
    name=None,
    profile=False,
    allow_gc=None,
    strict=False,
    return_list=False,
    return_updates: bool = True,
):
    r"""Apply a function again and again, to elements of sequences and to its own results.

    With sequences :math:`x`, states :math:`h` and things :math:`w` that don't change,

    .. math:: h_t, y_t = f(x_t, h_{t-1}, w), \quad t = 1 \dots n

    and the results are :math:`h_{1 \dots n}` and :math:`y_{1 \dots n}` stacked along a new first
    axis.

    Parameters
    ----------
    fn : callable
        One step: called once, with variables that stand for the elements of `sequences`, then the
        earlier values of the outputs in `outputs_info`, then the `non_sequences`. It returns the
        outputs of the step, one or a list, optionally together with a dictionary of updates of
        shared variables and an `until` that ends the loop.
    sequences : variable, dict or list of them, optional
        Arrays whose first axis is walked along. A dictionary ``{"input": x, "taps": [-1, 0]}``
        hands several elements, at these offsets, to each step.
    outputs_info : variable, dict, None or list of them, optional
        One for each output of `fn`: its initial value if a step reads the result of the last one;
        ``{"initial": x, "taps": [-2, -1]}`` if it reads earlier ones, with as many initial values
        along the first axis of ``x``; None if steps don't read it. ``[-1]`` means the state itself,
        without that axis, but ``range(-n, 0)`` and tuples mean rows also if there is only one.
    non_sequences : variable or list, optional
        Further arguments of `fn`. Other variables `fn` uses are found by themselves.
    n_steps : int or variable, optional
        Number of steps; as many as the shortest sequence has elements if None.
    truncate_gradient : int
        How many steps the gradient goes back; -1 for all.
    go_backwards : bool
        Walk the sequences from the end to the beginning.
    mode : Mode or str, optional
        How the step is compiled.
    name : str, optional
        For messages and printing.
    profile, allow_gc
        Accepted for compatibility.
    strict : bool
        Shared variables must be among `non_sequences`.
    return_list : bool
        Return a list even for one output.
    return_updates : bool
        Return the updates of shared variables as well.

    Returns
    -------
    outputs : variable or list of variables
        Stacked outputs of the steps; None if there are none.
    updates : dict
        If `return_updates`: final values of shared variables, to be given to
        `pytensor.function`.

    Raises
    ------
    ValueError
        If there is no number of steps, it is negative, or `fn` returns what doesn't fit
        `outputs_info`.

    Examples
    --------
    >>> import pytensor, pytensor.tensor as pt
    >>> x, decay = pt.dvector("x"), pt.dscalar("decay")
    >>> h = pytensor.scan(
    ...     lambda x_t, h, decay: decay * h + x_t,
    ...     sequences=x, outputs_info=pt.zeros(()), non_sequences=decay, return_updates=False,
    ... )
    >>> [float(v) for v in h.eval({x: [1.0, 1.0, 1.0], decay: 0.5})]
    [1.0, 1.5, 1.75]
    """
    if return_updates:
        warnings.warn(_RETURN_WARNING, DeprecationWarning, stacklevel=2)
    label = name or "scan"
    builder = _call_step(
        label, fn, sequences, outputs_info, as_list(non_sequences), n_steps, go_backwards, strict
    )
    outputs, final = builder.build(mode, truncate_gradient, name, strict)
    if not return_list:
        outputs = outputs[0] if len(outputs) == 1 else outputs or None
    if return_updates:
        return outputs, final
    if final:
        raise ValueError(
            f"return_updates=False but Scan produced updates {final}. Make sure to use "
            "outputs_info to handle all recurrent states, and not rely on shared variable updates."
        )
    return outputs


def _call_step(
    label: str,
    fn: Callable,
    sequences: Any,
    outputs_info: Any,
    non_sequences: Sequence[Any],
    n_steps: Any,
    go_backwards: bool,
    strict: bool,
) -> "_Builder":
    """Call the function of one step with variables for all it reads, and sort what it returns."""
    seqs = read_sequences(label, sequences, go_backwards)
    fixed = [v if isinstance(v, Variable) else as_tensor_variable(v) for v in non_sequences]
    states = read_outputs_info(label, outputs_info, [*(spec.source for spec in seqs), *fixed])
    steps = _number_of_steps(label, n_steps, seqs)
    while True:
        arguments = [v for spec in (*seqs, *states) for v in spec.inner]
        step = read_step(label, fn(*arguments, *fixed))
        # An initial number of Python takes the dtype of the results: then the step is made again.
        if not any([spec.take_dtype_of(new) for spec, new in zip(states, step.outputs)]):
            break
    if not states:
        states = [OutputSpec() for _ in step.outputs]
    if len(step.outputs) != len(states):
        raise ValueError(
            "Please provide None as outputs_info for any output that does not feed back into "
            f"scan: [{label}] outputs_info has {len(states)} entries and fn returned "
            f"{len(step.outputs)} outputs"
        )
    updates = _shared_updates(step.outputs + step.condition, step.updates, fixed)
    if strict:
        _check_strict(label, step.outputs + list(updates.values()), [*fixed, *updates])
    builder = _Builder(label, steps, seqs, states, step, updates, fixed)
    builder.known = closed_over(fn)
    builder.exact = n_steps is None
    return builder


def _number_of_steps(label: str, n_steps: Any, seqs: Sequence[SequenceSpec]) -> Variable:
    """Return the number of steps as an int64 variable.

    A given number is taken at its word: the Op refuses sequences that are shorter when it runs.
    """
    lengths = [spec.length for spec in seqs if spec.length is not None]
    if n_steps is not None:
        given = _given_steps(label, n_steps)
        for i, length in enumerate(lengths):
            if isinstance(given, int) and isinstance(length, int) and length < given:
                raise ValueError(
                    f"[{label}] sequence {i} must have at least n_steps = {given} elements, got "
                    f"{length}"
                )
        lengths = [given]
    if not lengths:
        raise ValueError(
            f"[{label}] No information about the number of steps provided. Either provide a value "
            "for n_steps argument of scan or provide an input sequence."
        )
    known = [n for n in lengths if isinstance(n, int)]
    unknown = list(dict.fromkeys(n for n in lengths if not isinstance(n, int)))
    total = constant(np.int64(min(known))) if known else None
    for length in unknown:
        total = length if total is None else minimum(total, length)
    return total


def _given_steps(label: str, n_steps: Any) -> Any:
    """Return n_steps as an int, or as an int64 variable that is checked when computed."""
    given = as_tensor_variable(n_steps)
    kind = given.type.numpy_dtype.kind
    whole = kind in "iu" or (isinstance(given, Constant) and float(given.data).is_integer())
    if given.type.ndim != 0 or not whole:
        raise TypeError(f"[{label}] n_steps must be an integer scalar, got {given} ({given.type})")
    if isinstance(given, Constant):
        n = int(given.data)
        if n < 0:
            raise ValueError(f"[{label}] n_steps must not be negative, got {n}")
        return n
    given = given if given.type.dtype == "int64" else cast(given, "int64")
    if kind == "u":
        return given
    check = CheckAndRaise(ValueError, f"[{label}] n_steps must not be negative")
    return check(given, given >= 0)


def _shared_updates(
    outputs: Sequence[Variable],
    given: Mapping[SharedVariable, Variable],
    fixed: Sequence[Variable],
) -> dict[SharedVariable, Variable]:
    """Return the updates `fn` gave and those that shared variables in its graph bring along.

    What a non-sequence is computed from is computed outside of the loop and brings nothing.
    """
    updates = dict(given)
    pending = [*outputs, *updates.values()]
    while pending:
        found = graph_inputs(pending, blockers=fixed)
        pending = []
        for var in found:
            default = None if var in fixed else getattr(var, "default_update", None)
            if default is not None and var not in updates:
                updates[var] = default
                pending.append(default)
    return updates


def _check_strict(label: str, outputs: Sequence[Variable], allowed: Sequence[Variable]) -> None:
    for var in graph_inputs(outputs, blockers=allowed):
        if isinstance(var, SharedVariable) and var not in allowed:
            raise MissingInputError(
                f"[{label}] with strict=True shared variables must be among non_sequences, "
                f"got {var} in the step"
            )


class _Builder:
    """Puts the parts of a loop in order and makes the node."""

    def __init__(self, label, steps, seqs, states, step, updates, fixed) -> None:
        self.label = label
        self.steps = steps
        self.seqs: Sequence[SequenceSpec] = seqs
        self.states: Sequence[OutputSpec] = states
        self.step = step
        self.updates: dict[SharedVariable, Variable] = updates
        self.fixed: Sequence[Variable] = [v for v in fixed if v not in updates]
        self.known: Sequence[Variable] = ()  # made before the step
        self.exact = False  # the number of steps is that of the shortest sequence
        self.args = ScanArgs.create_empty()
        self.args.n_steps = steps

    def build(
        self, mode: Any, truncate_gradient: int, name: str | None, strict: bool
    ) -> tuple[list[Variable], dict[SharedVariable, Variable]]:
        """Return the outputs, in the order of `fn`, and the updates."""
        args = self.args
        for spec in self.seqs:
            args.outer_in_seqs += spec.outer(self.steps)
            args.inner_in_seqs += spec.inner
        for spec, new in zip(self.states, self.step.outputs, strict=True):
            self._add_output(spec, new)
        shared = self._add_updates()
        args.cond, args.as_while = list(self.step.condition), bool(self.step.condition)
        self._close(shared)
        op = Scan(
            args.inner_inputs,
            args.inner_outputs,
            args.info,
            mode=mode,
            truncate_gradient=truncate_gradient,
            name=name,
            strict=strict,
        )
        op.exact = self.exact
        results = op(*args.outer_inputs, return_list=True)
        return self._user_outputs(op, results)

    def _add_output(self, spec: OutputSpec, new: Variable) -> None:
        args = self.args
        if spec.initial is None:
            args.outer_in_nit_sot.append(self.steps)
            args.inner_out_nit_sot.append(new)
        elif not isinstance(spec.initial.type, TensorType):
            args.outer_in_shared.append(spec.initial)
            args.inner_in_shared.append(spec.inner[0])
            args.inner_out_shared.append(new)
        else:
            new = spec.checked(self.label, new)
            outer = expand_empty(spec.initial_values(self.label), self.steps)
            args.add_state(outer, tuple(spec.taps), spec.inner, new)

    def _add_updates(self) -> dict[Variable, Variable]:
        """Make updated shared variables states; return what stands for them in the step."""
        stand_ins: dict[Variable, Variable] = {}
        for var, new in self.updates.items():
            stand_ins[var] = placeholder(var, "[t-1]")
            new = var.type.filter_variable(new)
            if isinstance(var.type, TensorType):
                spec = OutputSpec(var, (-1,), [stand_ins[var]])
                self._add_output(spec, new)
            else:
                self.args.outer_in_shared.append(var)
                self.args.inner_in_shared.append(stand_ins[var])
                self.args.inner_out_shared.append(new)
        return stand_ins

    def _close(self, shared: dict[Variable, Variable]) -> None:
        """Find what the step takes from outside; all inner outputs are rebuilt at once."""
        args = self.args
        outputs = args.inner_outputs
        stand_ins: dict[Variable, Variable] = {}
        if shared:
            # Non-sequences may be computed from a shared variable's value before the loop.
            stand_ins = {v: placeholder(v) for v in self.fixed if v.owner is not None}
            outputs = clone_replace(outputs, {**stand_ins, **shared})
        outer, inner, outputs = close_over(outputs, set(args.inner_inputs))
        given = [*self.known, *self.fixed, *stand_ins.values()]
        outer = lazy_where_it_may_fail(outer, self.steps, given)
        if stand_ins:
            outer = clone_replace(outer, {new: old for old, new in stand_ins.items()})
        args.outer_in_non_seqs, args.inner_in_non_seqs = outer, inner
        at = 0
        for field in ("mit_sot", "sit_sot", "nit_sot", "shared"):
            values = getattr(args, f"inner_out_{field}")
            values[:] = outputs[at : at + len(values)]
            at += len(values)
        args.cond = outputs[at:]

    def _user_outputs(
        self, op: Scan, results: Sequence[Variable]
    ) -> tuple[list[Variable], dict[SharedVariable, Variable]]:
        traces = {
            "mit_sot": iter(op.outer_mitsot_outs(results)),
            "sit_sot": iter(op.outer_sitsot_outs(results)),
            "nit_sot": iter(op.outer_nitsot_outs(results)),
            "untraced": iter(op.outer_untraced_sit_sot_outs(results)),
        }
        outputs = []
        for spec in self.states:
            trace = next(traces[spec.kind])
            if spec.kind in ("mit_sot", "sit_sot"):
                trace = add_tag_trace(trace[spec.lag :])
            outputs.append(trace)
        final: dict[SharedVariable, Variable] = {}
        for var in self.updates:
            tensor = isinstance(var.type, TensorType)
            value = next(traces["sit_sot" if tensor else "untraced"])
            final[var] = value[-1] if tensor else value
        return outputs, final
