"""The battery computes the right values, and its harness keeps and prints what it measured.

No test here looks at a time: that is what `python -m benchmarks` is for.
"""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
try:
    from benchmarks import __main__ as command
    from benchmarks import report, runner
    from benchmarks.frontends import OURS, with_numpy, with_pytensor
    from benchmarks.workloads import GROWTH_FAMILIES, ROWS, find_row, growth_row
finally:
    sys.path.remove(str(ROOT))

SMALL = [row for row in ROWS if row.quick]


@pytest.mark.parametrize("row", SMALL, ids=lambda row: row.name)
def test_this_package_agrees_with_the_value_by_hand(row):
    inputs, state = row.data()
    family = getattr(with_pytensor, row.family)
    function = with_pytensor.compile_row(family, row, inputs, state)
    for expected in row.expected(2):
        assert row.error(function(*inputs), expected) <= row.rtol


def test_state_is_updated_between_calls():
    row = find_row("MLP training step, 128-256-10")
    inputs, state = row.data()
    function = with_pytensor.compile_row(with_pytensor.mlp, row, inputs, state)
    first, second = row.expected(2)
    assert row.error(function(*inputs), first) <= row.rtol
    assert row.error(function(*inputs), second) <= row.rtol
    assert row.error(first, second) > row.rtol


@pytest.mark.parametrize(
    ("name", "variables"),
    [
        ("logistic logp + grad, 1000 x 10", (2,)),
        ("GP marginal logp + grad, 50", (2,)),
        ("hierarchical logp + grad, 919", (0, 1, 2)),
        ("RNN forward + grad, T = 100", (1, 2, 3)),
        ("growth layers 60", (0, 1, 2)),
    ],
)
def test_gradients_by_hand_are_the_slope_of_the_value(name, variables):
    row = find_row(name)
    inputs, _ = row.data()
    _, *gradients = row.by_hand(*inputs, **row.options)
    rng = np.random.default_rng(3)
    for position, gradient in zip(variables, gradients, strict=True):
        direction = rng.standard_normal(inputs[position].shape)
        step = 1e-6
        ends = []
        for sign in (1, -1):
            moved = list(inputs)
            moved[position] = inputs[position] + sign * step * direction
            ends.append(row.by_hand(*moved, **row.options)[0])
        slope = (ends[0] - ends[1]) / (2 * step)
        np.testing.assert_allclose(np.vdot(gradient, direction), slope, rtol=1e-5, atol=1e-7)


def test_every_row_is_written_for_this_package_and_by_hand():
    families = {row.family for row in ROWS} | set(GROWTH_FAMILIES)
    for module in (with_pytensor, with_numpy):
        assert not {f for f in families if not callable(getattr(module, f, None))}
    assert len({row.name for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize("family", GROWTH_FAMILIES)
def test_growth_rows_agree_with_the_value_by_hand(family):
    row = growth_row(family, 240)
    inputs, state = row.data()
    function = with_pytensor.compile_row(getattr(with_pytensor, family), row, inputs, state)
    assert row.error(function(*inputs), row.expected(1)[0]) <= row.rtol
    assert find_row(row.name).options == {"nodes": 240}


def test_wrong_values_and_shapes_are_noticed():
    row = find_row("gemv 8")
    (expected,) = row.expected(1)
    assert row.error(expected[0] * (1 + 1e-6), expected) > row.rtol
    assert row.error(expected[0] * np.nan, expected) == np.inf
    with pytest.raises(ValueError, match=r"\[gemv 8\] outputs must be"):
        row.error(expected[0][:-1], expected)
    with pytest.raises(ValueError, match="row must be one of"):
        find_row("gemv 7")


def test_a_run_measures_keeps_and_prints(tmp_path):
    out = tmp_path / "result.json"
    words = ["--quick", "--rounds", "1", "--rows", "^gemv 8$", "--only", "ours", "numpy"]
    words += ["--measure", "steady", "--cache", str(tmp_path / "cache"), "--out", str(out)]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", *words, "--no-plot", "--limit", "60"],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    results = json.loads(out.read_text())
    assert results["competitors"][OURS]["file"] == str(ROOT / "pytensor")
    records = results["steady"]["gemv 8"]
    assert set(records) == {"ours", "numpy"}
    assert all(
        len(record["values"]) == 1 and record["values"][0] > 0 for record in records.values()
    )
    assert records["ours"]["error"] <= 1e-9
    assert "gemv 8" in done.stdout and "geometric mean of 1 ratios" in done.stdout


def result(ours, numpy):
    return {"steady": {"gemv 8": {"ours": {"values": ours}, "numpy": {"values": numpy}}}}


def test_tables_say_who_is_faster_and_why_a_cell_is_empty():
    results = result([2.0, 2.0, 2.0], [1.0, 1.0, 1.0])
    results["steady"]["gemv 8"]["jax"] = {"skipped": "> 9 s"}
    results["steady"]["gemv 8"]["torch"] = {"failed": "ValueError: no"}
    text = report.tables(results)
    assert "2.00" in text and "a peer is faster in 1 rows" in text
    assert "> 9 s" in text and "FAILED" in text
    assert "steady, gemv 8, torch eager: ValueError: no" in text


def test_a_row_without_peers_is_printed():
    text = report.tables({"steady": {"gemv 8": {"ours": {"values": [2.0]}}}})
    assert "gemv 8" in text and "geometric mean" not in text


def test_comparison_names_changes_beyond_the_spread():
    one, two = result([1.0] * 5, [1.0] * 5), result([2.0] * 5, [1.0] * 5)
    assert "slower" in report.comparison(one, two)
    assert "faster" in report.comparison(two, one)
    noisy = result([1.0, 3.0, 1.0, 3.0, 2.0], [1.0] * 5)
    assert "slower" not in report.comparison(one, noisy).replace("slower than", "")


def test_growth_exponent_of_a_power_law_is_its_power():
    rows = {f"growth deep {n}": {"ours": {"values": [1e-6 * n**1.5]}} for n in (1000, 5000, 20000)}
    assert report.exponents(rows, "ours", "deep") == "1.50, 1.50  fit 1.50"


def test_results_are_laid_over_older_ones():
    old = {"steady": {"a": {"ours": {"values": [1]}}, "b": {"ours": {"values": [2]}}}}
    runner.merge(old, {"steady": {"a": {"ours": {"failed": "x"}, "jax": {"values": [3]}}}})
    assert old["steady"] == {
        "a": {"ours": {"failed": "x"}, "jax": {"values": [3]}},
        "b": {"ours": {"values": [2]}},
    }


def test_the_command_line_refuses_what_it_does_not_know():
    with pytest.raises(ValueError, match=r"\[--rows\] must match"):
        runner.choose_rows(["no such row"], quick=False)
    with pytest.raises(ValueError, match=r"\[--peer\] must be NAME=PYTHON"):
        runner.find_competitors(["theano=/x"], [], "")
    assert command.parse(["--quick"]).quick
