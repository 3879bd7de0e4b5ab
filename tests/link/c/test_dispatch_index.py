"""Files of C implementations are imported when a graph has their Ops; nobody sees a difference."""

import subprocess
import sys

import pytensor.scan.op  # noqa: F401  (the loop's own file is wanted with it only)
import pytensor.sparse  # noqa: F401  (likewise)
from pytensor.link.c import dispatch
from pytensor.link.c.dispatch.basic import c_funcify

PREFIX = dispatch.__name__ + "."


def test_files_are_wanted_by_what_they_implement():
    dispatch.load_dispatch()
    from pytensor.link.c.dispatch.blockwise import c_batch  # noqa: PLC0415

    found: dict[str, set[str]] = {}
    for registry in (c_funcify.registry, c_batch.registry):
        for cls, implementation in registry.items():
            if cls is not object and implementation.__module__.startswith(PREFIX):
                file = implementation.__module__.removeprefix(PREFIX)
                found.setdefault(file, set()).add(cls.__name__)
    assert len(found) > 12
    for file, classes in found.items():
        assert classes == set(dispatch.IMPLEMENTED[file].split()), file
    for file in set(dispatch.IMPLEMENTED) - set(found):
        assert not dispatch.IMPLEMENTED[file], f"{file} implements nothing"


def run(code: str) -> None:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def test_a_loop_needs_no_products():
    run(
        """
import sys, pytensor, pytensor.tensor as pt
x = pt.vector("x")
f = pytensor.function([x], x + 1, mode="CVM")
assert f([1.0]) == 2.0
here = {name.rpartition(".")[2] for name in sys.modules if name.startswith("pytensor.link.c.dispatch.")}
assert "elemwise" in here
assert not here & {"blas", "triangular", "scan", "scan_body", "subtensor", "joining"}, here
assert "pytensor.scan.op" not in sys.modules and "pytensor.tensor.linalg" not in sys.modules
A = pt.matrix("A")
g = pytensor.function([A], [pt.linalg.cholesky(A), A[:, 0], A @ A, pt.concatenate([A, A])], mode="CVM")
import numpy as np
assert [o.shape for o in g(np.eye(2))] == [(2, 2), (2,), (2, 2), (4, 2)]
from pytensor.link.c.dispatch.basic import c_funcify
assert all(c_funcify(n.op, node=n) is not None for n in g.maker.fgraph.apply_nodes)
"""
    )
