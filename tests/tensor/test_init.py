import numpy as np
import pytest

import pytensor.tensor as pt


def test_lazy_names():
    assert pt.linalg.__name__ == "pytensor.tensor.linalg"
    assert pt.grad.__module__.startswith("pytensor.gradient")
    assert not hasattr(pt, "no_such_name")
    with pytest.raises(AttributeError, match="no attribute 'no_such_name'"):
        _ = pt.no_such_name


def test_functions_are_not_hidden_by_modules():
    for name in ("shape", "reshape", "sort", "einsum"):
        assert callable(getattr(pt, name)), name
    assert pt.pi == np.pi
    assert pt.newaxis is None
