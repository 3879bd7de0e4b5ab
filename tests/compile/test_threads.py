"""Compiling in many threads at once."""

import subprocess
import sys
import threading

import pytest

import pytensor.tensor as pt
from pytensor.compile.maker import function


def compile_in_threads(compile_one, n=8):
    errors = []

    def work(k):
        try:
            compile_one(k)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(n)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return errors


@pytest.mark.parametrize("mode", ["PY", "CVM"])
def test_one_graph(mode):
    x, y = pt.dvectors("x", "y")
    z = (x * 2 + y).sum()

    def one(k):
        for _ in range(3):
            assert function([x, y], z * k, mode=mode)([1.0, 2.0], [3.0, 4.0]) == 13.0 * k

    assert compile_in_threads(one) == []


def test_first_compilation_of_a_process():
    # The rules are imported by whoever comes first; nobody compiles without them.
    code = """
import threading, pytensor, pytensor.tensor as pt
from pytensor.graph.rewriting.stages import optdb
seen = []
def work():
    seen.append(len(optdb.query("+fast_run")))
threads = [threading.Thread(target=work) for _ in range(8)]
[t.start() for t in threads]
[t.join() for t in threads]
assert len(seen) == 8 and len(set(seen)) == 1, seen
"""
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120
    )
    assert found.returncode == 0, found.stderr
