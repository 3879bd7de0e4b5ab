"""Every operation has NumPy's or SciPy's value, dtype and shape, by `perform` and in C."""

import numpy as np
import pytest
from op_engine import cases, compare, graph, performed, results, wanted

USUAL = [c for c in cases() if c.usual]
ALL = cases()


def check_types(case, outputs, got, want):
    assert len(got) == len(want), "number of results"
    for variable, value, expected in zip(outputs, got, want, strict=True):
        assert value.dtype == variable.type.dtype
        for static, n in zip(variable.type.shape, value.shape, strict=True):
            assert static in (None, n), (variable.type, value.shape)
        if case.row.dtype is True:
            assert value.dtype == expected.dtype, f"dtype {value.dtype}, wanted {expected.dtype}"


@pytest.mark.parametrize("case", USUAL, ids=lambda c: c.id)
def test_perform(case):
    inputs, outputs = graph(case)
    for values in case.values():
        kept = [v.copy() for v in values]
        got = performed(outputs, dict(zip(inputs, values, strict=True)))
        want = wanted(case, values)
        check_types(case, outputs, got, want)
        for k, (g, w) in enumerate(zip(got, want, strict=True)):
            compare(case, g, w, f"perform, result {k}, operands {[v.shape for v in values]}")
        for v, before in zip(values, kept, strict=True):
            np.testing.assert_array_equal(v, before, err_msg="perform changed an input")


def check_compiled(case, how):
    outputs = graph(case)[1]
    for values, got in zip(case.values(), results(case, how), strict=True):
        want = wanted(case, values)
        check_types(case, outputs, got, want)
        for k, (g, w) in enumerate(zip(got, want, strict=True)):
            compare(case, g, w, f"{how}, result {k}, operands {[v.shape for v in values]}")


@pytest.mark.parametrize("case", USUAL, ids=lambda c: c.id)
def test_c(case):
    check_compiled(case, "interpret")


@pytest.mark.slow
@pytest.mark.parametrize("how", ["interpret", "native", "py"])
@pytest.mark.parametrize("case", ALL, ids=lambda c: c.id)
def test_all_dtypes(case, how):
    check_compiled(case, how)
