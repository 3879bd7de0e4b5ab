"""The text of composites has the brackets that are needed and no others."""

import pytest

import pytensor.scalar as ps

x, y, z = (ps.float64(name) for name in "xyz")


@pytest.mark.parametrize(
    "expression, text",
    [
        (lambda: x + y * z, "i0 + i1 * i2"),
        (lambda: (x + y) * z, "(i0 + i1) * i2"),
        (lambda: x - (y - z), "i0 - (i1 - i2)"),
        (lambda: x - y - z, "i0 - i1 - i2"),
        (lambda: x / (y * z), "i0 / (i1 * i2)"),
        (lambda: -(x + y) * z, "-(i0 + i1) * i2"),
        (lambda: ps.exp(x + y) - z, "exp(i0 + i1) - i2"),
        (lambda: (x**y) ** z, "(i0**i1)**i2"),
        (lambda: x ** (y**z), "i0**(i1**i2)"),
        (lambda: (-x) ** y + z, "(-i0)**i1 + i2"),
        (lambda: ps.lt(x + y, z), "i0 + i1 < i2"),
        (lambda: x * -2.0 + (y + z), "i0 * -2.0 + i1 + i2"),
    ],
)
def test_brackets(expression, text):
    assert str(ps.Composite([x, y, z], [expression()])) == f"Composite{{{text}}}"


def test_a_number_below_zero_is_bracketed_under_a_power():
    assert str(ps.Composite([x], [ps.pow(ps.constant(-2.0), x)])) == "Composite{(-2.0)**i0}"


def test_long_composites_are_not_written_out():
    term = x
    for _ in range(12):
        term = ps.exp(term)
    assert str(ps.Composite([x], [term])) == "Composite{...}"
