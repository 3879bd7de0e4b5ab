"""What C mode runs in Python stands in `python_steps.tsv`, with a reason."""

from python_steps import found, listed


def test_the_list_is_true():
    """Longer: an operation lost its C; shorter: take it off (``python tests/every_op/python_steps.py``)."""
    now, known = found(), {name: dtypes for name, (dtypes, _) in listed().items()}
    assert now == known


def test_reasons():
    assert all(len(reason) > 6 for _, reason in listed().values())
