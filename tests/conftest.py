"""What every test shares: strict rewriting, and a private compile cache."""

import os
import pathlib
import sys
import tempfile

import pytest

# Before pytensor is imported: a rewrite that raises fails the test, and the user's own cache and
# settings file are left alone. Workers of one run share the cache; the next run starts cold only
# if the sources changed, since entries are found by content.
_BASE = (
    pathlib.Path(tempfile.gettempdir())
    / f"pytensor-tests-{os.getuid() if hasattr(os, 'getuid') else 0}"
)
os.environ.setdefault("PYTENSOR_FLAGS", f"on_opt_error=raise,base_compiledir={_BASE}")
os.environ.setdefault("PYTENSORRC", os.devnull)
os.environ.setdefault("OMP_NUM_THREADS", "1")


def pytest_addoption(parser):
    parser.addoption(
        "--regen-golden",
        action="store_true",
        help="record the rewritten graphs and the generated C of tests/golden anew",
    )


@pytest.fixture
def count_calls():
    """Return a function that runs another one and tells how many calls of functions that took.

    A measure of work that is the same on every machine, busy or not: tests of complexity compare
    such counts instead of times.
    """

    def count(run) -> int:
        calls = 0

        def tally(frame, event, argument):
            nonlocal calls
            calls += event in ("call", "c_call")

        before = sys.getprofile()
        sys.setprofile(tally)
        try:
            run()
        finally:
            sys.setprofile(before)
        return calls

    return count
