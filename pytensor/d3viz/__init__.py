"""Expressions as pictures to move about in a browser, in one file that needs no network."""

from pytensor.d3viz.d3viz import d3viz, d3write

has_requirements = True

__all__ = ["d3viz", "d3write"]
