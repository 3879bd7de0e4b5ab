"""Every expression of the table becomes the calls it names, with NumPy's value, in both modes."""

import numpy as np
import pytest

from benchmarks.blas_fusion_table import TABLE, VARIABLES, compiled, counted, main, numeric
from pytensor.configdefaults import config

VALUES = numeric()


@pytest.fixture(autouse=True)
def _raise_on_failure():
    with config.change_flags(on_opt_error="raise"):
        yield


@pytest.mark.parametrize("mode", ["C", "PY"])
@pytest.mark.parametrize("row", TABLE, ids=[row.text for row in TABLE])
def test_row(row, mode):
    if mode == "C" and not config.cxx:
        pytest.skip("no C compiler")
    function = compiled(row.text, mode)
    assert counted(function.maker.fgraph) == (row.calls, row.loops)
    inputs = [spec.variable.name for spec in function.maker.inputs]
    got = function(*(VALUES[name] for name in inputs))
    want = np.asarray(eval(row.text, {}, VALUES))
    assert got.dtype == want.dtype and got.shape == want.shape
    np.testing.assert_allclose(got, want, rtol=1e-10, atol=1e-10)


def test_the_table_is_about_all_kinds_of_variables():
    used = " ".join(row.text for row in TABLE)
    assert len(TABLE) >= 40
    assert all(name in used for name in VARIABLES)


def test_command_line_prints_every_row(capsys, monkeypatch):
    monkeypatch.setattr("benchmarks.blas_fusion_table.TABLE", TABLE[:2])
    main()
    assert "Dot22" in capsys.readouterr().out
