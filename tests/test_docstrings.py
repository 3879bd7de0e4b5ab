"""The examples in docstrings run and show what they say, those of Op instances (`pt.exp`) too.

Besides the names of their module they may use `np`, `pytensor` and `pt`.
"""

import doctest
import importlib
import pathlib
import pickle
import subprocess
import sys
import types

import numpy as np
import pytest

import pytensor
import pytensor.tensor as pt
from pytensor.graph.type import Type
from pytensor.tensor import _math_docs, _math_ops
from pytensor.tensor.elemwise import Elemwise

PACKAGE = pathlib.Path(pytensor.__file__).parent
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
GIVEN = {"np": np, "pytensor": pytensor, "pt": pt}


def modules_with_examples() -> list[str]:
    """Return the modules to look into (the examples of `_math_ops` are written in `_math_docs`)."""
    return [
        ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
        for path in sorted(PACKAGE.rglob("*.py"))
        if ">>> " in path.read_text(encoding="utf-8") or path.name == "_math_ops.py"
    ]


def examples_of(module: types.ModuleType) -> list[doctest.DocTest]:
    """Return the doctests of a module's functions and classes and of its instances."""
    names = {**GIVEN, **vars(module)}
    found = doctest.DocTestFinder(exclude_empty=True).find(module, globs=names)
    parser = doctest.DocTestParser()
    for name, value in vars(module).items():
        text = getattr(value, "__doc__", None)
        if isinstance(value, type | types.FunctionType | types.ModuleType) or not isinstance(
            text, str
        ):
            continue
        if module is not _math_ops and vars(_math_ops).get(name) is value:
            continue  # many modules import these
        if type(value).__module__.startswith("pytensor") and text != type(value).__doc__:
            found.append(parser.get_doctest(text, dict(names), name, module.__file__, None))
    return [test for test in found if test.examples]


@pytest.mark.parametrize("name", modules_with_examples())
def test_examples_run(name):
    module = importlib.import_module(name)
    said: list[str] = []
    with pytensor.config.change_flags(linker="py"):
        for test in examples_of(module):
            doctest.DocTestRunner(optionflags=FLAGS).run(test, out=said.append)
    assert not said, "".join(said)


# What users call: each name has a docstring with an example, or stands below.
NAMESPACES = [
    "pytensor",
    *(f"pytensor.{name}" for name in ("gradient", "printing", "raise_op", "scan", "sparse")),
    *(f"pytensor.{name}" for name in ("ifelse", "tensor", "typed_list")),
    *(f"pytensor.tensor.{name}" for name in ("fft", "interpolate", "linalg", "optimize", "pad")),
    *(f"pytensor.tensor.{name}" for name in ("random", "signal", "special")),
]
COMPARISONS = ("equal", "not_equal", "less_than", "greater_than", "less_equal", "greater_equal")
WITHOUT_EXAMPLE = {
    # Ops behind a function that has one: `eq`, `lt` ... choose between them.
    *(f"pytensor.sparse.{name}_s_{other}" for name in COMPARISONS for other in "sd"),
}


def callables_of(namespace: str) -> list[tuple[str, object]]:
    """Return what a namespace offers to be called: functions and instances, no classes.

    Classes are explained by what is made of them; types (`pt.dvector`) by `TensorType`.
    """
    module = importlib.import_module(namespace)
    names = getattr(module, "__all__", None) or [n for n in vars(module) if n[0] != "_"]
    return [
        (f"{namespace}.{name}", value)
        for name in names
        if callable(value := getattr(module, name))
        and not isinstance(value, type | types.ModuleType | Type)
        and (getattr(value, "__module__", None) or "").startswith("pytensor")
    ]


@pytest.mark.parametrize("namespace", NAMESPACES)
def test_what_is_public_has_an_example(namespace):
    found = callables_of(namespace)
    assert found
    lacking = {name for name, value in found if ">>> " not in (value.__doc__ or "")}
    assert not lacking - WITHOUT_EXAMPLE
    known = {name for name in WITHOUT_EXAMPLE if name.rpartition(".")[0] == namespace}
    assert known <= lacking, "take these off the list"


def test_elementwise_functions_have_their_own_docstring():
    assert set(_math_docs.ENTRIES) == set(_math_ops._TABLE)
    for name in _math_ops._TABLE:
        op = getattr(_math_ops, name)
        text = pickle.loads(pickle.dumps(op)).__doc__
        assert text == op.__doc__ != Elemwise.__doc__
        assert "Returns" in text
    assert Elemwise(op.scalar_op, {0: 0}).__doc__ == Elemwise.__doc__
    assert "Apply a scalar Op" in Elemwise.__doc__


def test_import_does_not_compose_docstrings():
    code = "import sys, pytensor.tensor; assert 'pytensor.tensor._math_docs' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=PACKAGE.parent)


def test_an_example_that_is_wrong_is_found():
    module = types.ModuleType("wrong")
    exec('def f():\n    """\n    >>> 1 + 1\n    3\n    """\n', vars(module))
    module.f.__module__ = "wrong"
    (test,) = examples_of(module)
    assert doctest.DocTestRunner().run(test, out=lambda text: None).failed == 1
