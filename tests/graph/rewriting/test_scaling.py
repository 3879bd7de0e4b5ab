"""The time of rewriting grows with the graph, not with its square."""

import pytest
import scaling


@pytest.mark.slow
@pytest.mark.parametrize("family", [scaling.chain, scaling.fan, scaling.mesh])
def test_exponent(family):
    _, power = scaling.exponent(family, [1_000, 10_000])
    assert power < 1.2


@pytest.mark.parametrize("family", [scaling.chain, scaling.fan, scaling.mesh])
def test_not_quadratic(family):
    _, power = scaling.exponent(family, [300, 3_000])
    assert power < 1.5


def test_deep_graph_at_the_default_recursion_limit():
    assert scaling.seconds(scaling.chain, 12_000, repeats=1) > 0
