"""Helpers of the tests: run a graph with the C linker and with Op.perform, and compare."""

import numpy as np

from pytensor.graph.basic import Constant
from pytensor.graph.fg import FunctionGraph
from pytensor.link.c.linker import CLinker, CProgram
from pytensor.link.py.linker import PyLinker


def python_steps(program: CProgram) -> list:
    """Nodes that run in Python."""
    kinds = np.frombuffer(program.tables["steps"], dtype="int32").reshape(-1, 6)[:, 0]
    return [node for kind, node in zip(kinds, program.step_nodes) if kind in (1, 2)]


def make(inputs, outputs) -> CProgram:
    fgraph = FunctionGraph(list(inputs), list(outputs), clone=True)
    program = CLinker().make_program(fgraph)
    assert isinstance(program, CProgram)
    return program


def layouts(value):
    """The same array in several memory layouts."""
    value = np.asarray(value)
    yield value
    if value.ndim == 0 or value.dtype == object:
        return
    yield np.asfortranarray(value)
    if value.ndim >= 2:
        yield value.T.copy().T
    wide = np.zeros(tuple(2 * n + 1 for n in value.shape), dtype=value.dtype)
    inner = tuple(slice(1, 2 * n + 1, 2) for n in value.shape)
    wide[inner] = value
    yield wide[inner]
    back = (slice(None, None, -1),) * value.ndim
    yield value[back].copy()[back]
    raw = np.empty(value.nbytes + 1, dtype="u1")[1:].view(value.dtype).reshape(value.shape)
    raw[...] = value
    yield raw
    yield value.astype(value.dtype.newbyteorder())


def freeze(value):
    if isinstance(value, np.ndarray):
        value.flags.writeable = False
    return value


def check(inputs, outputs, *values, only_c=True, all_layouts=True) -> CProgram:
    """Compare with Op.perform for every layout of the first input; return the program."""
    program = make(inputs, outputs)
    if only_c:
        assert not python_steps(program)
    fgraph = FunctionGraph(list(inputs), list(outputs), clone=True)
    expected = PyLinker().make_program(fgraph)(
        *[np.copy(v) if isinstance(v, np.ndarray) else v for v in values]
    )
    variants = list(layouts(values[0])) if all_layouts and len(values) else [None]
    for first in variants:
        given = ([] if first is None else [freeze(first)]) + list(
            values[1 if first is not None else 0 :]
        )
        for got, want, variable in zip(program(*given), expected, fgraph.outputs):
            want = np.asarray(want)
            assert type(got) is np.ndarray or variable.type.ndim == 0
            assert got.dtype == want.dtype
            assert got.shape == want.shape
            np.testing.assert_array_equal(got, want)
    return program


def constant_of(variable_type, value):
    return Constant(variable_type, np.asarray(value))
