"""The examples in docstrings run and show what they say, those of Op instances (`pt.exp`) too.

Besides the names of their module they may use `np`, `pytensor` and `pt`.
"""

import doctest
import importlib
import pathlib
import types

import numpy as np
import pytest

import pytensor
import pytensor.tensor as pt
from pytensor.tensor import _math_ops

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


def test_an_example_that_is_wrong_is_found():
    module = types.ModuleType("wrong")
    exec('def f():\n    """\n    >>> 1 + 1\n    3\n    """\n', vars(module))
    module.f.__module__ = "wrong"
    (test,) = examples_of(module)
    assert doctest.DocTestRunner().run(test, out=lambda text: None).failed == 1
