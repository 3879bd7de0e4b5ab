"""The record of one workload."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

Draw = Callable[[np.random.Generator], Sequence[np.ndarray]]
SEED = 20261122


@dataclass(frozen=True)
class Workload:
    """One row of the battery.

    Attributes
    ----------
    name
        What the table prints.
    family
        Name of the function each front end has for it.
    draw
        Makes the arguments of a call from a random generator.
    by_hand
        The same work in NumPy and SciPy, written as one would by hand: the value all others are
        checked against, and a competitor. Called with the arguments, then the state.
    draw_state
        Makes the arrays that live from call to call (weights). A function with state returns
        ``(outputs, new state)``.
    options
        Fixed numbers of the graph (steps, nodes), given as keywords.
    rtol
        Largest accepted error, relative to the largest element of the output.
    quick
        Whether `--quick` includes the row.
    """

    name: str
    family: str
    draw: Draw
    by_hand: Callable
    draw_state: Draw | None = None
    options: Mapping[str, int] = field(default_factory=dict)
    rtol: float = 1e-9
    quick: bool = False

    @property
    def graph(self) -> str:
        """The name of the graph: rows with the same one differ in sizes only."""
        return " ".join([self.family, *map(str, self.options.values())])

    def data(self) -> tuple[tuple[np.ndarray, ...], tuple[np.ndarray, ...]]:
        """Return the arguments and the initial state, the same ones each time."""
        rng = np.random.default_rng(SEED)
        inputs = tuple(np.asarray(x, order="C") for x in self.draw(rng))
        state = tuple(self.draw_state(rng)) if self.draw_state else ()
        return inputs, state

    def expected(self, calls: int = 2) -> list[list[np.ndarray]]:
        """Return the outputs of the first calls; with state, each call sees what the last one left."""
        inputs, state = self.data()
        results = []
        for _ in range(calls):
            outputs = self.by_hand(*inputs, *state, **self.options)
            if state:
                outputs, state = outputs
            results.append(flatten(outputs))
        return results

    def error(self, outputs, expected) -> float:
        """Return the largest error of `outputs` relative to the largest element of each output."""
        outputs = flatten(outputs)
        if [x.shape for x in outputs] != [x.shape for x in expected]:
            shapes = [x.shape for x in outputs], [x.shape for x in expected]
            raise ValueError("[{}] outputs must be {}, got {}".format(self.name, *shapes[::-1]))
        worst = 0.0
        for found, wanted in zip(outputs, expected, strict=True):
            scale = max(float(np.max(np.abs(wanted), initial=0.0)), 1e-300)
            error = float(np.max(np.abs(found - wanted), initial=0.0)) / scale
            worst = max(worst, error if np.isfinite(error) else np.inf)
        return worst


def flatten(outputs) -> list[np.ndarray]:
    """Return one output, or any nesting of outputs, as a flat list of arrays."""
    if isinstance(outputs, tuple | list):
        return [array for output in outputs for array in flatten(output)]
    return [np.asarray(outputs)]
