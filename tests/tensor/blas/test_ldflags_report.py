"""`python -m pytensor blas`: what it says, within 80 columns."""

import re

import blas_helpers
import pytest
from blas_mocks import mock_flags

from pytensor.configdefaults import config
from pytensor.tensor.blas import _report, explain_provider
from pytensor.tensor.blas._candidates import Candidate
from pytensor.tensor.blas._families import family_named

needs_compiler = pytest.mark.skipif(blas_helpers.compiler() is None, reason="no C compiler")


def test_scipy(monkeypatch):
    long = "/" + "/".join(["directory"] * 20) + "/libmkl_rt.so"
    found = [
        Candidate(family_named("MKL"), long, "conda environment", long),
        Candidate(family_named("Netlib"), "-lblas", "system", "/no/libblas.so"),
    ]
    monkeypatch.setattr(_report, "find_candidates", lambda: found)
    text = explain_provider(measure=False)
    lines = text.splitlines()
    assert max(map(len, lines)) <= 80 and not any(line != line.rstrip() for line in lines)
    assert lines[0].startswith("BLAS: ")
    for name in ("chosen because", "blas__ldflags", "reached by", "integers", "symbols", "threads"):
        assert any(line.startswith(f"  {name} ") for line in lines)
    assert "- MKL (found: conda environment)" in lines and "..." in text
    assert lines[-1] == "    always there" and sum(line.startswith("> ") for line in lines) == 1
    with config.change_flags(blas__ldflags=""):
        lines = explain_provider(measure=False).splitlines()
    assert lines[-3] == f"> {_report.scipy_provider().name} of SciPy, by its capsules"
    assert any("(found: NumPy, loaded already)" in line for line in lines)


def test_speed_beside_numpy(monkeypatch):
    monkeypatch.setattr(_report, "find_candidates", list)
    monkeypatch.setattr(_report, "SIZE", 64)
    text = explain_provider()
    assert len(re.findall(r"threads? +[\d.]+ GFLOP/s, NumPy [\d.]+", text)) == 2


@needs_compiler
@pytest.mark.filterwarnings("ignore:blas__ldflags=")
def test_linked_and_refused(monkeypatch):
    monkeypatch.setattr(_report, "find_candidates", list)
    flags = mock_flags("-DSDOT_RETURNS_DOUBLE", "-DMULTIPLIES_BY_ZERO")
    with config.change_flags(blas__ldflags=flags):
        text = explain_provider(measure=False)
    assert "reached by     linked:" in text and text.count("  repaired ") == 2
    assert re.search(r"^> BLAS \(found: blas__ldflags\)$", text, re.MULTILINE)
    with config.change_flags(blas__ldflags="-lnosuchlibrary"):
        text = explain_provider(measure=False)
    assert "- BLAS (found: blas__ldflags)\n    -lnosuchlibrary\n    it does not link" in text
    assert "cannot find -lnosuchlibrary" in " ".join(text.split())


@needs_compiler
def test_candidates_are_tried(monkeypatch):
    flags = mock_flags()
    path = flags.split()[0][2:] + "/lib" + flags.split("-l")[-1] + ".so"
    found = [
        Candidate(family_named("BLIS"), flags, "here", path),
        Candidate(family_named("ATLAS"), "-lnosuchlibrary", "there", "/x/libtatlas.so"),
    ]
    monkeypatch.setattr(_report, "find_candidates", lambda: found)
    monkeypatch.setattr(_report, "SIZE", 32)
    text = " ".join(explain_provider().split())
    assert re.search(
        r"\+ BLIS \(found: here\) \S+ works; one thread is 0\.\d\d times as fast", text
    )
    assert "- ATLAS (found: there) /x/libtatlas.so it does not link: " in text
