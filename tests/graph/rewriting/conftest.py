"""Failures of rewriters are errors in these tests."""

import sys
from pathlib import Path

import pytest

from pytensor.configdefaults import config

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(autouse=True)
def _raise_on_failure():
    with config.change_flags(on_opt_error="raise"):
        yield
