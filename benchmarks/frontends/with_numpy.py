"""The battery by hand: what the workloads themselves define, in NumPy and SciPy."""

from __future__ import annotations

import numpy

from benchmarks.workloads import ROWS, SCAN_ROWS
from benchmarks.workloads.graphs import layers, outputs, steps
from benchmarks.workloads.products import product

LIBRARY = numpy


def compile_row(family, row, inputs, state):
    """Return the function by hand, on private copies of the state (it changes them in place)."""
    if not state and not row.options:
        return family
    state = [x.copy() for x in state]

    def call(*arguments):
        outputs = family(*arguments, *state, **row.options)
        return outputs[0] if state else outputs

    return call


globals().update({row.family: row.by_hand for row in (*ROWS, *SCAN_ROWS)})
globals().update(layers=layers, outputs=outputs, steps=steps, product=product)
