"""Gradients of every operation agree with finite differences, forward with backward."""

import numpy as np
import pytest
from op_engine import as_list, cases, graph, performed

import pytensor
import pytensor.tensor as pt
from pytensor.gradient import grad, pushforward

STEP = 1e-6
CASES = [
    c for c in cases()
    if c.dtype in ("float64", "complex128") and c.row.gradient is True
]  # fmt: skip
NONE = [c for c in cases() if c.dtype == "float64" and c.row.gradient is not True]


def differentiable(case) -> list[int]:
    if case.row.wrt is not None:
        return list(case.row.wrt)
    dtypes = [np.dtype(a.dtype or case.dtype) for a in case.row.args]
    return [k for k, d in enumerate(dtypes) if d.kind in "fc"]


def weighted(outputs, weights):
    """A real number that depends on every element of every output."""
    terms = []
    for out, w in zip(outputs, weights, strict=True):
        if out.type.dtype.startswith("complex"):
            terms += [(pt.real(out) * w.real).sum(), (pt.imag(out) * w.imag).sum()]
        elif out.type.dtype.startswith("float"):
            terms.append((out * w).sum())
    return pt.add(*terms) if len(terms) > 1 else terms[0]


def some_weights(rng, case, values):
    inputs, outputs = graph(case)
    found = []
    for v in performed(outputs, dict(zip(inputs, values, strict=True))):
        w = rng.normal(size=v.shape)
        found.append(w + 1j * rng.normal(size=v.shape) if v.dtype.kind == "c" else w)
    return found


def differences(function, point):
    """Central differences; the real part of the result is the slope along the real axis."""
    result = np.zeros(point.shape, dtype=point.dtype)
    for index in np.ndindex(*point.shape):
        for step in (STEP, 1j * STEP) if point.dtype.kind == "c" else (STEP,):
            up, down = point.copy(), point.copy()
            up[index] += step
            down[index] -= step
            result[index] += (function(up) - function(down)) / (2 * STEP) * (step / STEP)
    return result


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.id)
def test_gradient(case):
    rng = np.random.default_rng(7)
    inputs, outputs = graph(case)
    values = case.values()[0]
    givens = dict(zip(inputs, values, strict=True))
    weights = some_weights(rng, case, values)
    cost = weighted(outputs, weights)
    wrt = differentiable(case)
    gradients = grad(cost, [inputs[k] for k in wrt])
    found = performed(gradients, givens)
    for k, g, variable in zip(wrt, found, gradients, strict=True):
        assert g.dtype == values[k].dtype
        assert g.shape == values[k].shape

        def at(x, k=k):
            return float(performed([cost], givens | {inputs[k]: x})[0])

        expected = differences(at, values[k])
        scale = np.abs(expected).max(initial=1.0)
        np.testing.assert_allclose(
            g, expected, rtol=case.row.gradient_rtol, atol=case.row.gradient_rtol * scale
        )
    if case.row.forward and case.dtype == "float64":
        check_forward(case, rng, givens, weights, wrt, found)


def check_forward(case, rng, givens, weights, wrt, gradients):
    """``<weights, J t> = <J' weights, t>``."""
    inputs, outputs = graph(case)
    outputs, weights = zip(
        *[(o, w) for o, w in zip(outputs, weights, strict=True) if o.type.dtype[0] in "fc"]
    )
    if any(o.type.dtype[0] == "c" for o in outputs):
        return
    tangents = [rng.normal(size=givens[inputs[k]].shape) for k in wrt]
    variables = [inputs[k].type.clone(dtype="float64")() for k in wrt]
    pushed = as_list(
        pushforward(list(outputs), [inputs[k] for k in wrt], variables, use_op_pushforward=True)
    )
    found = performed(pushed, givens | dict(zip(variables, tangents, strict=True)))
    total = sum(float((p * w).sum()) for p, w in zip(found, weights, strict=True))
    expected = sum(float((g * t).sum()) for g, t in zip(gradients, tangents, strict=True))
    np.testing.assert_allclose(total, expected, rtol=1e-6, atol=1e-8)


@pytest.mark.slow
@pytest.mark.parametrize("tier", ["interpret", "native"])
@pytest.mark.parametrize("case", CASES, ids=lambda c: c.id)
def test_gradient_in_c(case, tier):
    """The rewritten, compiled gradient is the one computed node by node."""
    rng = np.random.default_rng(7)
    inputs, outputs = graph(case)
    weights = some_weights(rng, case, case.values()[0])
    gradients = grad(weighted(outputs, weights), [inputs[k] for k in differentiable(case)])
    with pytensor.config.change_flags(compile__tier=tier):
        f = pytensor.function(inputs, gradients, mode="C", on_unused_input="ignore")
    values = case.values()[0]
    want = performed(gradients, dict(zip(inputs, values, strict=True)))
    with np.errstate(all="ignore"):
        got = f(*values)
    for g, w in zip(got, want, strict=True):
        scale = np.abs(w).max(initial=0.0)
        np.testing.assert_allclose(g, w, rtol=1e-8, atol=1e-10 * float(scale))


@pytest.mark.parametrize("case", NONE, ids=lambda c: c.id)
def test_reason(case):
    assert isinstance(case.row.gradient, str) and len(case.row.gradient) > 5
