"""pad against NumPy: every mode, known and symbolic widths, gradients, errors."""

import numpy as np
import pytest

import pytensor
import pytensor.tensor as pt
from pytensor.gradient import verify_grad

RNG = np.random.default_rng(91)
X = RNG.normal(size=(3, 4))
WIDTHS = [2, (1, 3), ((2, 0), (0, 5)), ((0, 0), (9, 7))]
MODES = [
    ("constant", {}),
    ("constant", {"constant_values": ((1.5, 2.0), (3.0, -4.0))}),
    ("constant", {"constant_values": 2.5}),
    ("edge", {}),
    ("linear_ramp", {}),
    ("linear_ramp", {"end_values": ((1.5, 2.0), (3.0, -4.0))}),
    *((mode, {}) for mode in ("maximum", "minimum", "mean", "median")),
    *((mode, {"stat_length": ((1, 2), (3, 9))}) for mode in ("maximum", "minimum", "mean", "median")),
    ("wrap", {}),
    *(
        (mode, {"reflect_type": kind})
        for mode in ("symmetric", "reflect")
        for kind in ("even", "odd")
    ),
]  # fmt: skip


def compiled(inputs, outputs):
    return [
        pytensor.function(inputs, outputs, mode=mode, on_unused_input="ignore")
        for mode in (None, "PY")
    ]


@pytest.mark.parametrize("mode, kwargs", MODES)
def test_value(mode, kwargs):
    known = pt.tensor("x", shape=X.shape, dtype="float64")
    unknown, width = pt.matrix("x", dtype="float64"), pt.lmatrix("width")
    outs = [pt.pad(known, w, mode, **kwargs) for w in WIDTHS]
    symbolic = pt.pad(unknown, width, mode, **kwargs)
    for f, g in zip(compiled([known], outs), compiled([unknown, width], symbolic), strict=True):
        for w, out, value in zip(WIDTHS, outs, f(X), strict=True):
            expected = np.pad(X, w, mode, **kwargs)
            np.testing.assert_allclose(value, expected, rtol=1e-12)
            assert out.type.shape == expected.shape
            width_pairs = np.broadcast_to(w, (2, 2)).astype("int64")
            np.testing.assert_allclose(g(X, width_pairs), expected, rtol=1e-12)


@pytest.mark.parametrize("mode, kwargs", MODES)
def test_gradient(mode, kwargs):
    verify_grad(lambda x: pt.pad(x, ((2, 1), (5, 3)), mode, **kwargs), [X], rng=RNG)


@pytest.mark.parametrize("shape", [(1,), (1, 1), (4, 1, 2)])
def test_short_axes(shape):
    x = RNG.normal(size=shape)
    v = pt.tensor("x", shape=(None,) * x.ndim, dtype="float64")
    modes = [m for m, k in MODES if not k] + ["symmetric", "reflect"]
    for value, mode in zip(
        pytensor.function([v], [pt.pad(v, (2, 3), m) for m in modes])(x), modes, strict=True
    ):
        np.testing.assert_allclose(value, np.pad(x, (2, 3), mode), rtol=1e-12)


def test_scalar_and_no_width():
    assert pt.pad(np.float64(3.0), np.zeros((0, 2), dtype=int)).eval() == 3.0
    x = pt.vector("x")
    assert pt.pad(x, 0, "edge") is x
    assert pt.pad(x, 0) is x


@pytest.mark.parametrize("dtype", ["float32", "complex64", "complex128"])
def test_dtype_stays(dtype):
    x = RNG.normal(size=4).astype(dtype)
    for mode in ("constant", "edge", "linear_ramp", "mean", "wrap"):
        value = pt.pad(x, 2, mode).eval()
        assert value.dtype == dtype
        np.testing.assert_allclose(value, np.pad(x, 2, mode), rtol=1e-6)


def test_dtype_of_integers():
    # As in PyTensor: new values are floating point, the array's own stay what they are
    x = pt.constant([1, 2, 4])
    np.testing.assert_allclose(pt.pad(x, 1, "mean").eval()[0], 7 / 3)
    assert pt.pad(x, 1).type.dtype == "float64"
    assert pt.pad(x, 1, "wrap").type.dtype == x.type.dtype
    assert pt.pad(x, 1, "reflect", reflect_type="odd").type.dtype == x.type.dtype
    np.testing.assert_array_equal(pt.pad([True, False], 1, "edge").eval(), [1, 1, 0, 0])


def test_empty_axis():
    x = np.zeros((0, 2))
    np.testing.assert_array_equal(pt.pad(x, 1, constant_values=3.0).eval(), np.pad(x, 1, constant_values=3.0))  # fmt: skip
    np.testing.assert_array_equal(
        pt.pad(x, ((0, 0), (1, 1)), "edge").eval(), np.pad(x, ((0, 0), (1, 1)), "edge")
    )
    with pytest.raises(ValueError, match="can't extend empty axis 0"):
        pt.pad(x, 1, "edge")
    v = pt.vector("v")
    for f in compiled([v], pt.pad(v, 1, "wrap")):
        with pytest.raises(ValueError, match="can't extend empty axis 0"):
            f(np.zeros(0))


def test_symbolic_arguments():
    x, s, p = pt.matrix("x"), pt.lscalar("s"), pt.lvector("p")
    value, ends = pt.dscalar("value"), pt.dmatrix("ends")
    outs = [
        pt.pad(x, s),
        pt.pad(x, p, "edge"),
        pt.pad(x, ((s, 1), (0, p[0])), "reflect"),
        pt.pad(x, (s, 2), constant_values=value),
        pt.pad(x, 2, "linear_ramp", end_values=ends),
        pt.pad(x, 2, "maximum", stat_length=s),
    ]
    e = np.array([[1.0, 2.0], [3.0, 4.0]])
    expected = [
        np.pad(X, 2),
        np.pad(X, (1, 3), "edge"),
        np.pad(X, ((2, 1), (0, 1)), "reflect"),
        np.pad(X, (2, 2), constant_values=7.5),
        np.pad(X, 2, "linear_ramp", end_values=e),
        np.pad(X, 2, "maximum", stat_length=2),
    ]
    for f in compiled([x, s, p, value, ends], outs):
        for got, want in zip(f(X, 2, [1, 3], 7.5, e), expected, strict=True):
            np.testing.assert_allclose(got, want, rtol=1e-12)


def test_gradient_of_values():
    def f(x, ends):
        return pt.pad(x, 3, constant_values=ends) + pt.pad(x, 3, "linear_ramp", end_values=ends)

    verify_grad(f, [X, np.array([[1.0, 2.0], [3.0, 4.0]])], rng=RNG)


def test_layouts_and_inputs_unchanged():
    x = pt.matrix("x")
    base = RNG.normal(size=(8, 6))
    for f in compiled([x], [pt.pad(x, 2, m) for m, k in MODES if not k]):
        for a in (base[::2, ::-1], base.T, np.broadcast_to(base[0], (3, 6))):
            before = a.copy()
            for value, mode in zip(f(a), [m for m, k in MODES if not k], strict=True):
                np.testing.assert_allclose(value, np.pad(a, 2, mode), rtol=1e-12)
            np.testing.assert_array_equal(a, before)


@pytest.mark.parametrize("mode", ["constant", "reflect", "mean", "linear_ramp"])
def test_batched(mode):
    for length in (4, None):
        batch = pt.tensor("b", shape=(None, length), dtype="float64")
        out = pt.vectorize(lambda v: pt.pad(v, 2, mode), "(n)->(m)")(batch)
        assert out.type.shape == (None, length and length + 4)
        np.testing.assert_allclose(out.eval({batch: X}), np.pad(X, ((0, 0), (2, 2)), mode))


@pytest.mark.parametrize(
    "args, kwargs, error, message",
    [
        ((2, "bla"), {}, ValueError, "mode must be one of"),
        ((2, "edge"), {"constant_values": 2}, ValueError, "Invalid keyword arguments"),
        ((2.5,), {}, TypeError, "pad_width must be of integral type"),
        ((-1,), {}, ValueError, "must not be negative"),
        (([1, 2, 3],), {}, ValueError, "broadcast"),
        ((2, "maximum"), {"stat_length": 0}, ValueError, "stat_length of 0"),
        ((2, "reflect"), {"reflect_type": "strange"}, ValueError, "'even' or 'odd'"),
    ],
)
def test_bad_arguments(args, kwargs, error, message):
    with pytest.raises(error, match=message):
        pt.pad(pt.vector("x"), *args, **kwargs)


def test_bad_width_at_run_time():
    x, p = pt.vector("x"), pt.lscalar("p")
    for f in compiled([x, p], pt.pad(x, p, "edge")):
        with pytest.raises(ValueError, match="must not be negative"):
            f(np.ones(3), -1)


def test_import_order_does_not_matter():
    from pytensor.tensor.pad import pad  # noqa: PLC0415

    assert pt.pad is pad
