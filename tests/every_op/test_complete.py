"""No public name and no class of Op is without a test.

A name is tested if a row of the table is about it, if its class of Op is in the table's graphs, or
if a test file uses it: reads ``module.name``, or imports the name and reads it, or looks it up by
`getattr` from a text. To import or to mention it is not enough. `MADE_BY_PATTERN` are the families of constructors that loops in tests run through.
"""

import ast
import functools
import importlib
import inspect
import pkgutil
import re
from pathlib import Path

import pytest
from op_engine import cases, graph, nodes_of, table

import pytensor
from pytensor.graph.op import Op
from pytensor.graph.traversal import toposort
from pytensor.tensor.type import TensorType

TESTS = Path(__file__).parents[1]
NAMES = TESTS / "public_names.tsv"
MISSING = set((TESTS / "public_names_missing.txt").read_text().split())
NAMESPACES = """pytensor.tensor pytensor.tensor.linalg pytensor.tensor.special pytensor.tensor.random
pytensor.tensor.fft pytensor.tensor.signal pytensor.tensor.optimize pytensor.tensor.interpolate
pytensor.tensor.pad pytensor.sparse pytensor.typed_list pytensor.tensor.sort
pytensor.tensor.extra_ops""".split()
# dmatrix, fvectors ...: test_type_constructors.py
MADE_BY_PATTERN = re.compile(
    r"pytensor\.tensor(\.type)?:[bwilfdcz]?(scalar|vector|matrix|matrices|row|col|tensor[3-7])s?$"
)
# Nothing to test by itself, or what a test says without the name; each with its reason.
NOT_TESTED = dict(
    line.split("\t") for line in Path(__file__).with_name("not_named.tsv").read_text().splitlines()
)


def test_what_counts_as_use():
    source = """
import pytensor.tensor as pt
from here import alpha, beta as other, gamma  # delta
"epsilon"
zeta = pt.eta(alpha)
zeta.theta = [other, zeta]
"""
    assert used_in(ast.parse(source)) == {"alpha", "beta", "eta"}
    assert "epsilon" in used_in(ast.parse(source + "getattr(pt, zeta)"))
    assert "epsilon" not in used_in(ast.parse(source + "getattr(pt, 'iota')"))


def namespace(module: str) -> list[str]:
    """Public functions, Ops and classes of a module that were written in this package."""
    try:
        owner = importlib.import_module(module)
    except ModuleNotFoundError:
        return []
    package, found = hasattr(owner, "__path__"), []
    for name in dir(owner):
        value = getattr(owner, name)
        home = getattr(value, "__module__", None) or type(value).__module__
        if (
            not name.startswith("_")
            and callable(value)
            and str(home).startswith("pytensor" if package else module)
        ):
            found.append(f"{module}:{name}")
    return found


@functools.cache
def public_names() -> list[str]:
    rows = [line.split("\t") for line in NAMES.read_text().splitlines()[1:]]
    surface = {f"{r[1]}:{r[2]}" for r in rows if r[0] in ("T0", "T1", "T2", "T3")}
    return sorted((surface - MISSING).union(*map(namespace, NAMESPACES)))


def value_of(full: str):
    module, name = full.split(":")
    try:
        return getattr(importlib.import_module(module), name, None)
    except ModuleNotFoundError:
        return None


def used_in(tree: ast.Module) -> set[str]:
    """Names that a test file reads from modules."""
    nodes = list(ast.walk(tree))
    imported = {
        alias.asname or alias.name: alias.name
        for node in nodes if isinstance(node, ast.ImportFrom) for alias in node.names
    }  # fmt: skip
    read = {n.attr for n in nodes if isinstance(n, ast.Attribute) and isinstance(n.ctx, ast.Load)}
    read |= {imported[n.id] for n in nodes if isinstance(n, ast.Name) and n.id in imported}
    if any(map(_looks_names_up, nodes)):
        texts = [n.value for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str)]
        read.update(word for text in texts for word in text.split())
    return read


def _looks_names_up(node: ast.AST) -> bool:
    """Tell ``getattr(module, name)`` of a name that is not written there."""
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "getattr"
        and not isinstance(node.args[1], ast.Constant)
    )


@functools.cache
def used() -> frozenset[str]:
    """All names that test files use, but for this one."""
    files = [p for p in TESTS.rglob("*.py") if p != Path(__file__)]
    return frozenset().union(*(used_in(ast.parse(p.read_text())) for p in files))


@functools.cache
def exercised() -> tuple[set[type], set]:
    """Classes of Ops in the table's graphs, and the Ops."""
    classes: set[type] = set()
    ops = set()
    for op in ops_of_table():
        while op is not None and op not in ops:
            ops.add(op)
            classes.update(type(op).__mro__)
            op = getattr(op, "core_op", None) or getattr(op, "scalar_op", None)
    return classes, ops


def is_exercised(value) -> bool:
    classes, ops = exercised()
    if isinstance(value, Op) and value in ops:
        return True
    cls = value if isinstance(value, type) else type(value) if isinstance(value, Op) else None
    # A class may be importable from several modules.
    return cls in classes or cls and f"{cls.__module__}:{cls.__name__}" in NOT_TESTED


def test_public_names():
    in_table = set().union(*(row.public for rows in table().values() for row in rows))
    assert not (wrong := [n for n in in_table if value_of(n) is None]), f"no such names: {wrong}"
    same = {id(value_of(n)) for n in in_table}
    untested = [
        n for n in public_names()
        if n not in in_table and id(value_of(n)) not in same and n not in NOT_TESTED
        and not MADE_BY_PATTERN.match(n) and n.split(":")[1] not in used()
        and not is_exercised(value_of(n))
    ]  # fmt: skip
    assert not untested, f"{len(untested)} without a test: {untested}"


def test_reasons_are_needed():
    """What has a test by now comes off the list."""
    needless = [n for n in NOT_TESTED if n.split(":")[1] in used()]
    assert not needless


def all_modules():
    for info in pkgutil.walk_packages(pytensor.__path__, "pytensor."):
        if "_built" in info.name or info.name.endswith("__main__"):
            continue
        try:
            importlib.import_module(info.name)
        except ImportError:  # peers and backends that are not installed
            continue


def op_classes() -> set[type]:
    """Concrete classes of Ops defined in the package."""
    all_modules()
    found, todo = set(), [Op]
    while todo:
        for cls in todo.pop().__subclasses__():
            todo.append(cls)
            if cls.__module__.startswith("pytensor") and not inspect.isabstract(cls):
                found.add(cls)
    return found


def ops_of_table():
    for case in cases():
        if case.usual:
            yield from (node.op for node in toposort(graph(case)[1]))
            yield from (node.op for node, _ in nodes_of(case))


def test_op_classes():
    """Every class of Op is in the table's graphs, or a test file names it."""
    untested = [c for c in op_classes() - exercised()[0] if c.__name__ not in used()]
    # An abstract base has no `perform` of its own.
    untested = sorted(f"{c.__module__}:{c.__name__}" for c in untested if not c.__subclasses__())
    untested = [n for n in untested if n not in NOT_TESTED]
    assert not untested, f"{len(untested)} without a test: {untested}"


@pytest.mark.parametrize("letter, dtype", {
    "b": "int8", "w": "int16", "i": "int32", "l": "int64", "f": "float32", "d": "float64",
    "c": "complex64", "z": "complex128", "": None,
}.items())  # fmt: skip
def test_type_constructors(letter, dtype):
    """dmatrix, ivectors ...: dtype, number of axes, broadcasting, names."""
    import pytensor.tensor as pt

    dtype = dtype or pytensor.config.floatX
    shapes = {"scalar": (), "vector": (None,), "matrix": (None, None), "row": (1, None),
              "col": (None, 1)} | {f"tensor{n}": (None,) * n for n in range(3, 8)}  # fmt: skip
    for name, shape in shapes.items():
        constructor = getattr(pt, letter + name, None)
        if constructor is None:  # pt.tensor5 and the like are all there; see test_public_names
            assert letter, name
            continue
        variable = constructor("x")
        assert variable.name == "x" and variable.type == TensorType(dtype, shape=shape)
        plural = getattr(pt, letter + {"matrix": "matrices"}.get(name, name + "s"), None)
        if plural is not None:
            pair = plural("a", "b")
            assert [v.name for v in pair] == ["a", "b"]
            assert all(v.type == variable.type for v in pair)
            assert len(plural(3)) == 3
