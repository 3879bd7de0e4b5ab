"""What C mode runs in Python stands in `python_steps.tsv`, with a reason."""

import pytest
from python_steps import found, listed


def test_no_c_was_lost():
    """An operation that had C became a Python step, or a new one has none: give a reason, or C."""
    now, known = found(), {name: set(row[0].split()) for name, row in listed().items()}
    assert not {name: d for name, d in now.items() if not set(d.split()) <= known.get(name, set())}


@pytest.mark.slow
def test_the_list_is_true():
    """What got its C comes off the list (``python tests/every_op/python_steps.py``)."""
    assert found() == {name: dtypes for name, (dtypes, _) in listed().items()}


def test_reasons():
    assert all(len(reason) > 6 for _, reason in listed().values())
