"""`pytensor.tensor.linalg` imports a file when one of its functions is asked for."""

import importlib
import subprocess
import sys

import pytest

import pytensor.tensor.linalg as linalg


@pytest.mark.parametrize("name", linalg.__all__)
def test_names_are_where_the_table_says(name):
    home = importlib.import_module(f"pytensor.tensor.linalg.{linalg._HOME_OF[name]}")
    assert getattr(linalg, name) is getattr(home, name)
    assert name in dir(linalg)


def test_others_are_an_error():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        linalg.nothing


def test_parts_are_attributes_and_nothing_else_is_imported():
    code = (
        "import sys, pytensor.tensor as pt\n"
        "pt.linalg.cholesky\n"
        "assert 'pytensor.tensor.linalg.decomposition.svd' not in sys.modules\n"
        "assert pt.linalg.summary.det is pt.linalg.det\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
