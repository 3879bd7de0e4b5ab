"""Builds, compiles and calls the cases of the table: many cases are one function."""

import functools
import importlib
import warnings
from pathlib import Path

import numpy as np
from op_rows import Case, Row, cases_of

import pytensor
from pytensor.compile.mode import Mode
from pytensor.graph.basic import Constant
from pytensor.graph.traversal import toposort
from pytensor.link.c.lower import LAZY_PYTHON, PYTHON

HERE = Path(__file__).parent
AT_ONCE = 40  # cases of one function


@functools.cache
def table() -> dict[str, list[Row]]:
    """All rows, by subject."""
    files = sorted(HERE.glob("rows_*.py"))
    return {f.stem[5:]: importlib.import_module(f.stem).ROWS for f in files}


@functools.cache
def cases() -> tuple[Case, ...]:
    return tuple(c for subject, rows in table().items() for c in cases_of(subject, rows))


def as_list(x) -> list:
    return list(x) if isinstance(x, list | tuple) else [x]


@functools.cache
def graph(case: Case) -> tuple[list, list]:
    """Inputs and outputs of a case."""
    inputs = case.variables()
    return inputs, as_list(case.row.function(*inputs))


def wanted(case: Case, values) -> list[np.ndarray]:
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # NumPy's of empty slices
        result = case.row.reference(*values)
    return [np.asarray(r) for r in (result if isinstance(result, list | tuple) else [result])]


def performed(outputs, givens) -> list[np.ndarray]:
    """Values of `outputs` by `Op.perform`, node by node; no rewriting, no linker."""
    values = dict(givens)

    def value_of(v):
        return v.data if isinstance(v, Constant) else values[v]

    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        for node in toposort(outputs, blockers=list(givens)):
            cells = [[None] for _ in node.outputs]
            node.op.perform(node, [value_of(i) for i in node.inputs], cells)
            for out, cell in zip(node.outputs, cells, strict=True):
                values[out] = out.type.filter(cell[0], strict=True)
    return [value_of(v) for v in outputs]


def _fails(case: Case) -> bool:
    """Whether there is no graph: the tests of this case say why, those of the others go on."""
    try:
        graph(case)
    except Exception:
        return True
    return False


def in_groups(some: tuple[Case, ...]) -> dict[Case, tuple[Case, ...]]:
    """Split into groups of one subject and dtype."""
    groups: dict[tuple, list[Case]] = {}
    for case in some:
        alone = case.id if _fails(case) else ""
        groups.setdefault((case.subject, case.dtype, alone), []).append(case)
    chunks = [tuple(g[k : k + AT_ONCE]) for g in groups.values() for k in range(0, len(g), AT_ONCE)]
    return {case: chunk for chunk in chunks for case in chunk}


@functools.cache
def groups() -> dict[Case, tuple[Case, ...]]:
    return in_groups(cases())


@functools.cache
def function_of(some: tuple[Case, ...], how: str):
    """One function of all inputs of these cases; `how` is a tier, or ``py``."""
    inputs = [v for c in some for v in graph(c)[0]]
    outputs = [v for c in some for v in graph(c)[1]]
    if how == "py":
        return pytensor.function(
            inputs, outputs, mode=Mode("py", "fast_run"), on_unused_input="ignore"
        )
    with pytensor.config.change_flags(compile__tier=how):
        return pytensor.function(inputs, outputs, mode="C", on_unused_input="ignore")


def _called(some: tuple[Case, ...], how: str) -> dict[Case, list]:
    """Results of all values of each case; the shorter lists of values are repeated."""
    f = function_of(some, how)
    values = [c.values() for c in some]
    results: dict[Case, list] = {c: [] for c in some}
    for k in range(max(map(len, values))):
        now = [a for v in values for a in v[k % len(v)]]
        before = [a.copy() for a in now]
        with np.errstate(all="ignore"):
            out = iter(f(*now))
        for a, b in zip(now, before, strict=True):
            np.testing.assert_array_equal(a, b, err_msg=f"{how}: an input was changed")
        for c, v in zip(some, values, strict=True):
            mine = [next(out) for _ in graph(c)[1]]
            if k < len(v):
                results[c].append(mine)
    return results


@functools.cache
def _group_results(group: tuple[Case, ...], how: str) -> dict[Case, list] | None:
    try:
        return _called(group, how)
    except Exception:  # The tests of the single cases say which one it was.
        return None


def results(case: Case, how: str) -> list:
    """What a compiled function gives for each of the case's values."""
    found = _group_results(groups()[case], how)
    return found[case] if found is not None else _called((case,), how)[case]


def tolerance(case: Case, dtype: str) -> float:
    single = np.dtype(dtype).name in ("float32", "complex64") or "32" in case.dtype
    if case.dtype == "float16" or dtype == "float16":
        return 5e-3
    if case.row.rtol is not None and not single:
        return case.row.rtol
    return 3e-5 if single else 1e-9


def compare(case: Case, got, want, what: str, values=()) -> None:
    got, want = np.asarray(got), np.asarray(want)
    assert got.shape == want.shape, f"{what}: shape {got.shape}, wanted {want.shape}"
    if got.dtype.kind in "fc" and want.dtype.kind in "fciub":
        rtol = tolerance(case, got.dtype.name)
        largest = np.abs(want[np.isfinite(want)]).max(initial=0) if want.size else 0
        with np.errstate(all="ignore"):
            np.testing.assert_allclose(
                got, want, rtol=rtol, atol=rtol * float(largest), err_msg=what, equal_nan=True
            )
    else:
        np.testing.assert_array_equal(got, want, err_msg=what)


def nodes_of(case: Case) -> list:
    """The nodes that the C backend runs for this case's group, and whether each is a Python step."""
    try:
        f = function_of(groups()[case], "interpret")
    except Exception:
        f = function_of((case,), "interpret")
    program = f.vm
    kinds = np.frombuffer(program.tables["steps"], dtype=np.int32).reshape(-1, 6)[:, 0]
    found = [
        (n, k in (PYTHON, LAZY_PYTHON)) for n, k in zip(program.step_nodes, kinds, strict=True)
    ]
    return [(node, python) for node, python in found if node is not None]
