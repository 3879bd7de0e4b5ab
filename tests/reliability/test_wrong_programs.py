"""A mistake gives the same exception class in every mode, and a message that helps.

The message names the Op, the operands with their types and shapes, the rule violated and the
user's line. The call that failed changes nothing: its inputs keep their values, and the function
works afterwards.
"""

import inspect
import re

import numpy as np
import pytest
from wrong_programs import EXPECTED

import pytensor
from pytensor.compile.mode import Mode

MODES = {"C": "C", "py": Mode("py", "fast_run"), "py, no rewrites": Mode("py", None)}


def user_line(program):
    """``file:line`` of the line marked ``# here``."""
    lines, first = inspect.getsourcelines(program)
    [offset] = [i for i, line in enumerate(lines) if "# here" in line]
    return f"wrong_programs.py:{first + offset}"


@pytest.mark.parametrize("mode", MODES.values(), ids=MODES)
@pytest.mark.parametrize("program", EXPECTED, ids=lambda p: p.__name__)
def test_message(program, mode):
    exception, *words = EXPECTED[program]
    inputs, output, wrong, right = program()
    f = pytensor.function(inputs, output, mode=mode)
    first = f(*right)
    before = [np.copy(v) for v in wrong]
    with pytest.raises(exception) as caught:
        f(*wrong)
    assert type(caught.value) is exception
    message = str(caught.value)
    for word in words:
        assert re.search(word, message), f"{word} is not in\n{message}"
    assert user_line(program) in message
    for variable in inputs if mode is MODES["py, no rewrites"] else []:
        assert str(variable.name) in message or str(variable.type) in message
    assert len(message.splitlines()) <= 15
    for value, kept in zip(wrong, before, strict=True):
        np.testing.assert_array_equal(value, kept)
    np.testing.assert_array_equal(f(*right), first)


def test_shared_variables_keep_their_values():
    """Neither update of a failing call is stored."""
    a, b = pytensor.shared(np.zeros(3)), pytensor.shared(np.ones((3, 3)))
    x = pytensor.tensor.dmatrix("x")
    f = pytensor.function([x], a.sum(), updates=[(a, a + 1), (b, b @ x)])
    with pytest.raises(ValueError, match=r"\(2, 2\)"):
        f(np.ones((2, 2)))
    assert a.get_value().tolist() == [0, 0, 0]
    assert b.get_value().tolist() == np.ones((3, 3)).tolist()
    f(np.ones((3, 3)))
    assert a.get_value().tolist() == [1, 1, 1]
