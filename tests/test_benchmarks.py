"""The battery computes the right values, and its harness keeps and prints what it measured.

No test here looks at a time: that is what `python -m benchmarks` is for.
"""

import ast
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
try:
    from benchmarks import __main__ as command
    from benchmarks import duties, grids, report, runner, stored
    from benchmarks.frontends import FRONTENDS, OURS, with_c, with_numpy, with_pytensor
    from benchmarks.workloads import GROWTH_FAMILIES, ROWS, SCAN_ROWS, find_row, growth_row
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


FAMILIES = {row.family for row in (*ROWS, *SCAN_ROWS)} | {*GROWTH_FAMILIES, "product"}


def names_in(module: str) -> set[str]:
    """Return what a front end defines, read from its text: its library may not be here."""
    names = set()
    for node in ast.parse((ROOT / "benchmarks" / "frontends" / f"{module}.py").read_text()).body:
        if isinstance(node, ast.FunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign):
            names |= {n.id for n in ast.walk(node.targets[0]) if isinstance(n, ast.Name)}
    return names


@pytest.mark.parametrize("module", sorted({f.module for f in FRONTENDS.values()}))
def test_every_row_is_written_for_every_front_end_or_said_why_not(module):
    if module == "with_numpy":
        written = {name for name in FAMILIES if callable(getattr(with_numpy, name, None))}
    elif module == "with_c":
        written = {*with_c.WRITTEN, *with_c.MISSING}
        assert all(f"FLOOR({name})" in with_c.SOURCE.read_text() for name in with_c.WRITTEN)
    else:
        written = names_in(module)
    assert not FAMILIES - written


def test_names_are_unique():
    names = [row.name for row in (*ROWS, *SCAN_ROWS)]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("row", SCAN_ROWS, ids=lambda row: row.name)
def test_recurrences_agree_with_the_value_by_hand(row):
    inputs, state = row.data()
    function = with_pytensor.compile_row(getattr(with_pytensor, row.family), row, inputs, state)
    assert row.error(function(*inputs), row.expected(1)[0]) <= row.rtol


@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")
@pytest.mark.parametrize("name", ["gemv 8", "ger 8", "batched 64 x 32 x 32", "X.T @ X, 10000 x 50",
                                  "logistic logp + grad, 1000 x 10", "Kalman filter, 1000 steps",
                                  "AR(1), 10000 steps", "100 gemvs 200, scan"])  # fmt: skip
def test_the_floor_in_c_computes_the_same(name, tmp_path_factory, monkeypatch):
    monkeypatch.chdir(tmp_path_factory.getbasetemp())  # one compilation for all of them
    row = find_row(name)
    inputs, state = row.data()
    function = with_c.compile_row(getattr(with_c, row.family), row, inputs, state)
    function.repeat(2)
    assert row.error(function(*inputs), row.expected(1)[0]) <= row.rtol


@pytest.mark.parametrize("family", GROWTH_FAMILIES)
def test_growth_rows_agree_with_the_value_by_hand(family):
    row = growth_row(family, 240)
    inputs, state = row.data()
    function = with_pytensor.compile_row(getattr(with_pytensor, family), row, inputs, state)
    assert row.error(function(*inputs), row.expected(1)[0]) <= row.rtol
    assert find_row(row.name).options == {"nodes": 240}
    assert row.error(with_numpy_result(family, row, inputs), row.expected(1)[0]) <= row.rtol


def with_numpy_result(family, row, inputs):
    return with_numpy.compile_row(getattr(with_numpy, family), row, inputs, ())(*inputs)


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


def test_the_floor_is_no_peer_and_has_a_column():
    results = result([2.0], [4.0])
    results["steady"]["gemv 8"]["c"] = {"values": [1.0]}
    line = next(x for x in report.tables(results).splitlines() if x.startswith("gemv 8"))
    assert line.split()[-5:] == ["0.50", "numpy", "0", "%", "2.00"]
    assert "a peer is faster in 0 rows" in report.tables(results)


def test_stored_peers_fill_cells_and_are_marked():
    old = result([9.0], [1.0]) | {"machine": {"date": "2026-01-02"}}
    old["steady"]["gemv 8"]["upstream"] = {"values": [3.0]}
    old["steady"]["another row"] = {"upstream": {"values": [3.0]}}
    new = result([2.0], [1.5])
    stored.borrow(new, old)
    assert list(new["steady"]) == ["gemv 8"]
    assert new["steady"]["gemv 8"]["ours"] == {"values": [2.0]}
    assert new["steady"]["gemv 8"]["upstream"] == {"values": [3.0], "stored": "2026-01-02"}
    assert new["stored"] == {"names": ["upstream"], "date": "2026-01-02", "drift": 1.5}
    text = report.tables(new)
    assert "3.00*" in text and "NumPy by hand takes 1.50x as long now" in text
    # A later measurement takes the place of what was stored.
    runner.merge(new, {"steady": {"gemv 8": {"upstream": {"values": [4.0]}}}})
    stored.borrow(new, old)
    assert new["steady"]["gemv 8"]["upstream"] == {"values": [4.0]}


def test_a_measure_that_breaks_leaves_the_others(monkeypatch, capsys):
    def broken(plan, rows):
        yield {"steady": {"gemv 8": {"ours": {"values": [1.0]}}}}
        raise OSError("no space")

    def sound(plan, rows):
        yield {"memory": {"gemv 8": {"ours": {"values": [1.0]}}}}

    monkeypatch.setattr(runner, "TAKE", dict.fromkeys(runner.MEASURES, broken) | {"memory": sound})
    monkeypatch.setattr(runner.measures, "identities", lambda plan: {})
    plan = runner.measures.Plan((), 1, 0.1, 1, 1, ROOT, None)
    results, saved = {}, []
    runner.run(plan, [], ["steady", "memory"], results, lambda: saved.append(sorted(results)))
    assert len(saved) == 3 and "memory" in results and "steady" in results
    assert "steady: OSError: no space" in report.tables(results)


def test_threads_leaks_and_processes_are_printed():
    results = {
        "threads": {"product 600": {"ours": {"values": [1.9], "alone_us": 7000.0}},
                    "gemv 8": {"ours": {"values": [2.5], "wrong": 0, "calls": 4000}}},
        "leaks": {"gemv 8": {"ours": {"values": [0.25], "calls": 100_000}, "jax": {"failed": "x"}}},
        "processes": {"row, 64 at once": {"ours": {"values": [20.0], "one_per_core": 2.0, "ratio": 0.31}}},
    }  # fmt: skip
    text = report.tables(results)
    assert "1.90" in text and "0 of 4,000" in text and "0.25" in text and "0.31" in text


def test_one_function_in_many_threads_is_checked_call_by_call():
    row = find_row("gemv 8")
    inputs, _ = row.data()
    assert duties.share_function(row.by_hand, row, inputs, 4, 40)["wrong"] == 0
    off = lambda *arrays: row.by_hand(*arrays) + 1e-3  # noqa: E731
    assert duties.share_function(off, row, inputs, 4, 40)["wrong"] == 40


def test_a_leak_is_seen():
    kept = []
    leaking = lambda x: kept.append(np.ones(20_000))  # noqa: E731
    assert duties.leak(leaking, [np.ones(3)], 500, wrong=False)["values"][0] > 20
    assert duties.leak(len, [np.ones(3)], 1000, wrong=False)["values"][0] < 1
    # What must raise and does not is no measurement.
    assert "skipped" in duties.leak(len, [np.ones(3)], 10, wrong=True)


def test_the_gain_of_threads_of_work_that_waits_is_their_number():
    pause = lambda make: lambda x: __import__("time").sleep(0.005)  # noqa: E731
    assert max(duties.thread_gain(pause, [np.ones(1)], 2, 0.02, 5)["values"]) > 1.3


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
    with pytest.raises(ValueError, match="without commas"):
        runner.find_competitors([], [], "-Wl,-rpath,/x")
    assert command.parse(["--quick"]).quick


def test_measures_and_grids_are_words_of_the_command():
    assert set(grids.TAKE) < set(command.MEASURES)
    with pytest.raises(SystemExit):
        command.main(["loops", "--help"])
