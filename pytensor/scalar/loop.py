"""`ScalarLoop`: repeat a scalar computation."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from itertools import chain
from typing import Any

import numpy as np

from pytensor.graph.basic import Constant, Variable
from pytensor.scalar.composite import Composite, Program, ScalarInnerGraphOp, flatten, rebuild
from pytensor.scalar.type import discrete_types
from pytensor.scalar.variable import as_scalar


class ScalarLoop(ScalarInnerGraphOp):
    """Repeat ``state = update(state, constant)`` n_steps times, or until a condition holds after a step.

    The op takes n_steps, the initial states and the constants. It returns the last states, and with
    `until` whether the condition ended the loop. With n_steps <= 0 the states stay as they are.

    Parameters
    ----------
    init : sequence of ScalarVariable
        States at the start of a step.
    update : sequence of ScalarVariable
        States at its end, of the same types.
    constant : sequence of ScalarVariable, optional
        What else a step reads.
    until : ScalarVariable, optional
        A condition (bool) on a step's end.
    name : str
    """

    def __init__(
        self,
        init: Sequence[Variable],
        update: Sequence[Variable],
        constant: Sequence[Variable] | None = None,
        until: Variable | None = None,
        name="ScalarLoop",
        **kwargs,
    ):
        constant = [] if constant is None else list(constant)
        self._check_states(init, update)
        if any(isinstance(x, Constant) for x in (*init, *constant)):
            raise TypeError("[ScalarLoop] init and constant must be variables, got a Constant")
        inputs = [*init, *constant]
        outputs = flatten(inputs, [*update, *([until] if until is not None else [])])
        self.program = Program(inputs, outputs)
        self.is_while = until is not None
        self.n_states = len(init)
        self.inputs_type = tuple(x.type for x in inputs)
        self.outputs_type = tuple(x.type for x in outputs)
        self.nin, self.nout = len(inputs) + 1, len(outputs)  # type: ignore[misc]
        super().__init__(name=name, **kwargs)

    def __eq__(self, other):
        return super().__eq__(other) and (self.is_while, self.n_states) == (
            other.is_while,
            other.n_states,
        )

    def __hash__(self):
        return hash((super().__hash__(), self.is_while, self.n_states))

    @staticmethod
    def _check_states(init, update):
        if not init or len(init) != len(update):
            raise ValueError(
                f"[ScalarLoop] init and update must have the same length, at least 1, "
                f"got {len(init)} and {len(update)}"
            )
        for i, u in zip(init, update):
            if i.type != u.type:
                raise TypeError(
                    "Init and update types must be the same: "
                    f"[ScalarLoop] got init {i} of {i.type!r}, update {u} of {u.type!r}"
                )

    @property
    def state_inputs(self) -> list[Variable]:
        return self.inputs[: self.n_states]

    @property
    def constant_inputs(self) -> list[Variable]:
        return self.inputs[self.n_states :]

    def clone(self, name=None, **kwargs):
        """Return an equal loop with an inner graph of its own."""
        until = self.outputs[-1] if self.is_while else None
        return type(self)(
            self.state_inputs,
            self.outputs[: self.n_states],
            self.constant_inputs,
            until,
            name=name or self.name,
            **kwargs,
        )

    def output_types(self, types):
        if tuple(types[1:]) != self.inputs_type:
            raise TypeError(
                f"[ScalarLoop] states and constants must be of {self.inputs_type}, got {types[1:]}"
            )
        return self.outputs_type

    def make_node(self, n_steps, *inputs):
        """Apply the loop; inputs of other types than its own give a loop of those types."""
        n_steps = as_scalar(n_steps)
        if n_steps.type not in discrete_types:
            raise TypeError(f"[ScalarLoop] n_steps must be an integer, got {n_steps.type}")
        inputs = [as_scalar(x) for x in inputs]
        if len(inputs) != len(self.inputs_type):
            raise TypeError(
                f"[ScalarLoop] must be given n_steps and {len(self.inputs_type)} inputs, got {len(inputs)}"
            )
        types = tuple(x.type for x in inputs)
        if types == self.inputs_type:
            return super().make_node(n_steps, *inputs)
        return self._retyped(types).make_node(n_steps, *inputs)

    def _retyped(self, types) -> ScalarLoop:
        inputs = [t.make_variable() for t in types]
        outputs: list[Any] = rebuild(self.program, inputs)
        until = outputs.pop() if self.is_while else None
        n = self.n_states
        # A state keeps the type it starts with.
        update = [u.astype(i.type.dtype) for u, i in zip(outputs, inputs)]
        return type(self)(inputs[:n], update, inputs[n:], until, name=self.name)

    def compute_dtypes(self, in_dtypes, out_dtypes):
        return (in_dtypes[0], *(t.dtype for t in self.inputs_type))

    @cached_property
    def step(self) -> Composite:
        """One step as a Composite of states and constants."""
        return Composite(self.inputs, self.outputs)

    def impl(self, n_steps, *inputs):
        n = self.n_states
        states, constants = list(inputs[:n]), inputs[n:]
        if any(np.ndim(x) for x in (n_steps, *inputs)):
            return self._impl_arrays(n_steps, states, constants)
        done, run = np.bool_(False), self.program.run
        for _ in range(n_steps):
            states = run([*states, *constants])
            if self.is_while:
                done = states.pop()
                if done:
                    break
        return self._results(states, done)

    def _impl_arrays(self, n_steps, states, constants):
        """Advance all elements together; those that have ended keep their states."""
        n_steps, *rest = np.broadcast_arrays(n_steps, *states, *constants)
        states, constants = rest[: self.n_states], rest[self.n_states :]
        done = np.zeros(n_steps.shape, bool)
        for i in range(n_steps.max(initial=0)):
            active = ~done & (i < n_steps)
            if not active.any():
                break
            new = self.program.run([*states, *constants])
            if self.is_while:
                done = np.where(active, new.pop(), done)
            states = [np.where(active, a, b) for a, b in zip(new, states)]
        return self._results(states, done)

    def _results(self, states, done):
        results = (*states, done) if self.is_while else tuple(states)
        return results[0] if self.nout == 1 else results


__all__ = ["ScalarLoop", "chain"]
