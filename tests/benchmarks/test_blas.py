"""Every BLAS measurement runs in its quick form and prints; no test here looks at a time."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
try:
    from benchmarks.blas import case as cases
    from benchmarks.blas import page, plot, rewriting, tables, threads
    from benchmarks.blas.broadcasts import patterns
    from benchmarks.blas.case import NUMPY, OURS, SCIPY, Case, Effort
finally:
    sys.path.remove(str(ROOT))

EFFORT = Effort(rounds=2, batch=1e-5, quick=True)


def module_of(name):
    sys.path.insert(0, str(ROOT))
    try:
        return __import__(f"benchmarks.blas.{name}", fromlist=["cases"])
    finally:
        sys.path.remove(str(ROOT))


def thin(name):
    """A few of the quick cases, spread over all of them."""
    every = list(module_of(name).cases(quick=True))
    return every[:: max(1, len(every) // 6)]


@pytest.mark.parametrize("name", tables.MEASURES)
def test_quick_cases_of_each_measurement_agree_and_are_timed(name):
    chosen = thin(name)
    if name == "libraries" and not chosen:
        pytest.skip("NumPy and SciPy do not both bring OpenBLAS")
    found = cases.measure(iter(chosen), EFFORT, lambda text: None)
    assert [r[OURS].get("failed") for r in found.values()] == [None] * len(chosen)
    assert all(tables.judge(name, records) > 0 for records in found.values())
    assert tables.worst(name, found)[-1].startswith(f"  {len(chosen)} cells")
    assert len(tables.lines_of(name, found)) == len(chosen) + 1
    assert sum(int(line[1]) for line in tables.summary_of(name, found)[1:]) == len(chosen)


def test_other_measurements():
    found = {name: module.run(EFFORT, lambda text: None)
             for name, module in (("rewriting", rewriting), ("threads", threads))}  # fmt: skip
    assert len(tables.rewriting_lines(found["rewriting"])) == 1 + len(rewriting.QUICK_LAYERS)
    record = next(iter(found["rewriting"].values()))
    assert all(0 < share < 1 for share in record[OURS]["blas"])
    assert "two threads" in tables.tables(found | {"machine": {}})


def test_a_wrong_value_is_a_failure_not_a_time():
    wrong = Case(
        "wrong", lambda: ((np.ones(2),), {OURS: lambda x: x, NUMPY: lambda x: x + 1}), {"n": 1}
    )
    record = cases.measure(iter([wrong]), EFFORT, lambda text: None)["wrong"]
    assert "differ" in record[OURS]["failed"]


def records(ours, numpy, scipy):
    times = {OURS: ours, NUMPY: numpy, SCIPY: scipy}
    return {"labels": {"n": 1}} | {name: {"values": [t] * 3} for name, t in times.items()}


def test_speed_is_numpys_time_over_ours_and_slow_libraries_are_named():
    slow = records(2.0, 1.0, 2.0)
    assert cases.speed(slow) == 0.5
    assert "raw SciPy" in tables.worst("floor", {"a": slow | {"library": slow[NUMPY]}})[0]
    assert not tables.library_bound(records(2.0, 1.0, 1.0))


def test_broadcast_patterns_are_all_of_matmul_to_four_axes():
    found = patterns()
    assert len(found) == len(set(found)) == 48  # 7 batch shapes each, less the plain product
    assert all(np.broadcast_shapes(x, y) is not None for x, y in found)


def test_page_and_picture_are_made_from_results(tmp_path):
    results = {"machine": {"cpu": "a machine"}, "overhead": {"A @ B": records(1.0, 2.0, 3.0)}}
    page_text = page.fill(page.PAGE.read_text(), results)
    assert "a machine" in page_text and "2.00" in page_text and page.NOTHING in page_text
    assert page.fill(page_text, results) == page_text
    for picture in plot.draw(json.loads(json.dumps(results)), tmp_path / "blas.json"):
        assert picture.stat().st_size > 1000
