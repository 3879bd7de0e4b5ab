"""The time of rewriting grows with the graph, not with its square."""

import pytest
import scaling


@pytest.mark.slow
@pytest.mark.parametrize("family", [scaling.chain, scaling.fan, scaling.mesh])
def test_exponent(family):
    _, power = scaling.exponent(family, [1_000, 10_000])
    assert power < 1.2


@pytest.mark.parametrize("family", [scaling.chain, scaling.fan, scaling.mesh])
def test_work_is_linear(family, count_calls):
    small, large = (count_calls(lambda n=n: scaling.rewrite(family, n)) for n in (150, 1_200))
    assert large < 8 * 1.5 * small


def test_deep_graph_at_the_default_recursion_limit():
    scaling.rewrite(scaling.chain, 4_000)
