"""Wrong programs raise what NumPy's users know, in both backends, and say where; then all goes on.

The rows are in `bad_programs`. No mistake of a user's ends in an AttributeError, AssertionError or
NameError of ours (`SpecifyShape` and `Assert` raise AssertionError by definition).
"""

import re

import numpy as np
import pytest
import scipy.sparse
from bad_modules import MODULES
from bad_programs import INPUTS, WHEN_MADE, WHEN_RUN
from op_engine import as_list

import pytensor
import pytensor.tensor as pt
from pytensor.compile.mode import Mode

MODES = {"C": "C", "py": Mode("py", "fast_run"), "py, no rewrites": Mode("py", None)}
NEVER = (AttributeError, AssertionError, NameError)


def class_of(reference, values):
    """The class that NumPy raises, or that the table says."""
    if isinstance(reference, type | tuple):
        return reference
    with pytest.raises(Exception) as caught:
        reference(*[v.copy() if isinstance(v, np.ndarray) else v for v in values])
    # NumPy's private subclasses are not to be copied.
    return next(
        c for c in type(caught.value).__mro__ if c.__module__ in ("builtins", "numpy.linalg")
    )


@pytest.mark.parametrize("mode", MODES.values(), ids=MODES)
@pytest.mark.parametrize("row", [*WHEN_RUN, *MODULES], ids=lambda r: r[0])
def test_when_run(row, mode):
    name, variables, expression, wrong, right, reference = row
    inputs = [make() for make in variables]
    f = pytensor.function(inputs, expression(*inputs), mode=mode, on_unused_input="ignore")
    expected = class_of(reference, wrong)
    first = f(*right)
    with pytest.raises(expected) as caught:
        f(*wrong)
    declared = isinstance(reference, type) and issubclass(reference, NEVER)
    assert declared or not isinstance(caught.value, NEVER)
    message = str(caught.value)
    if row not in INPUTS:
        # Some rows are functions, called here.
        files = "bad_programs.py:", "bad_modules.py:", "test_bad_input.py:"
        assert any(f in message for f in files), message
        lengths = {n for v in wrong for n in np.shape(v)}
        assert all(re.search(rf"\b{n}\b", message) for n in lengths), message
    assert len(message.splitlines()) <= 15
    for again, before in zip(as_list(f(*right)), as_list(first), strict=True):
        np.testing.assert_array_equal(dense(again), dense(before))


def dense(value):
    return value.toarray() if scipy.sparse.issparse(value) else value


@pytest.mark.parametrize("name", WHEN_MADE)
def test_when_made(name):
    expression, expected = WHEN_MADE[name]
    with pytest.raises(expected) as caught:
        expression()
    assert not isinstance(caught.value, NEVER)
    assert re.search(r"\w{3}", str(caught.value)), "no message"


@pytest.mark.parametrize("expression", [
    lambda a, b: 0 * (a @ b), lambda a, b: a @ b - a @ b, lambda a, b: pt.zeros_like(a) @ b,
], ids=["zero times", "minus itself", "zeros"])  # fmt: skip
def test_what_is_not_computed_is_not_checked(expression):
    """As upstream: a product whose elements nobody needs is not made, so its lengths are not compared.

    Without rewrites it is made, and refused.
    """
    a, b = pt.dmatrices("a", "b")
    wrong = np.ones((3, 4)), np.ones((5, 6))
    f = pytensor.function([a, b], expression(a, b))
    np.testing.assert_array_equal(f(*wrong), np.zeros((3, 6)))
    with pytest.raises(ValueError, match="mismatch|aligned"):
        pytensor.function([a, b], expression(a, b), mode=MODES["py, no rewrites"])(*wrong)
