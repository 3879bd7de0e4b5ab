"""SciPy's linear algebra, loaded when first used."""

from pytensor.utils import lazy_scipy_module

scipy_linalg = lazy_scipy_module("linalg")
