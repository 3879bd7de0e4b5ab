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
