"""The examples run on their real data, and reach what they claim."""

import importlib.util
import pathlib
import sys

import pytest

FOLDER = pathlib.Path(__file__).resolve().parents[1] / "examples"


def load(name):
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_digits(tmp_path, capsys, monkeypatch):
    digits = load("digits")
    monkeypatch.setattr(digits, "time_steps", lambda step, x, y: step(x, y) * 0 + 1.0)
    accuracy = digits.main(["--epochs", "25", "--picture", str(tmp_path / "digits.png")])
    assert accuracy > 0.96
    said = capsys.readouterr().out
    assert "Gemm{inplace}" in said  # the updates of the weights are one BLAS call each
    assert "Dot " not in said.split("After")[1]


def test_digits_refuses_nonsense():
    with pytest.raises(SystemExit):
        load("digits").main(["--epochs", "0"])


def test_regression(tmp_path, capsys, monkeypatch):
    regression = load("regression")
    monkeypatch.setattr(regression, "median_seconds", lambda call: call() and 1.0)
    found = regression.main(["--picture", str(tmp_path / "regression.png")])
    assert found["explained"] > 0.5
    assert found["accuracy"] > 0.97
    assert "Gemv" in capsys.readouterr().out


def test_mauna_loa(tmp_path, capsys, monkeypatch):
    mauna_loa = load("mauna_loa")
    monkeypatch.setattr(mauna_loa, "median_seconds", lambda call: call() and 1.0)
    found = mauna_loa.main(["--picture", str(tmp_path / "mauna_loa.png")])
    assert (tmp_path / "mauna_loa.png").stat().st_size > 10_000
    assert found["log_likelihood"] > -99.0
    assert found["rmse"] < 2.0  # ppm, over ten years
    said = capsys.readouterr().out
    assert "1 Cholesky" in said  # one factorisation for value and gradient
    assert "months kept back" in said


def test_mauna_loa_wants_data_to_learn_from():
    with pytest.raises(SystemExit):
        load("mauna_loa").main(["--until", "1960"])


def test_nile(tmp_path, capsys, monkeypatch):
    nile = load("nile")
    monkeypatch.setattr(nile, "median_seconds", lambda call, repeats=1: call() and 1.0)
    found = nile.main(["--picture", str(tmp_path / "nile.png")])
    assert found["log_likelihood"] == pytest.approx(-632.54, abs=0.01)  # the book's
    for name, published in nile.PUBLISHED.items():
        assert found[name] == pytest.approx(published, rel=2e-3)
    assert (tmp_path / "nile.png").stat().st_size > 10_000
