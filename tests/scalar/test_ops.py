"""Every scalar op: values against NumPy and SciPy, derivatives against finite differences, dtypes."""

import itertools
import pickle

import numpy as np
import pytest
import scipy.special as sp

import pytensor.scalar as ps
from pytensor.graph.null_type import NullType
from pytensor.graph.traversal import io_toposort

DTYPES = [t.dtype for t in ps.all_types]


def run(outputs, values):
    """Compute variables in Python from values of the inputs (a dict)."""
    values = dict(values)
    for node in io_toposort(list(values), outputs):
        storage = [[None] for _ in node.outputs]
        args = [values[x] if x in values else x.data for x in node.inputs]
        node.op.perform(node, args, storage)
        values.update(zip(node.outputs, (cell[0] for cell in storage)))
    return [values[x] if x in values else x.data for x in outputs]


def apply(op, *args):
    """Apply an op to NumPy numbers."""
    args = [np.asarray(a)[()] for a in args]
    inputs = [ps.get_scalar_type(a.dtype.name)() for a in args]
    node = op.make_node(*inputs)
    results = run(node.outputs, dict(zip(inputs, args)))
    for out, result in zip(node.outputs, results):
        assert np.asarray(result).dtype.name == out.type.dtype
    return results[0] if len(results) == 1 else results


# op -> (reference, points)
X = [-2.5, -0.5, 0.3, 1.7, 4.2]
POSITIVE = [0.1, 0.7, 1.9, 6.3]
UNIT = [-0.9, -0.2, 0.4, 0.8]
P = [0.05, 0.3, 0.5, 0.9]
PAIRS = [(1.3, 0.7), (-2.1, 0.4), (3.3, -1.2), (0.4, 2.5)]
UNARY = {
    ps.neg: (np.negative, X), ps.reciprocal: (np.reciprocal, X), ps.sqr: (np.square, X),
    ps.identity: (lambda x: x, X), ps.abs: (np.abs, X), ps.sqrt: (np.sqrt, POSITIVE),
    ps.exp: (np.exp, X), ps.exp2: (np.exp2, X), ps.expm1: (np.expm1, X), ps.log: (np.log, POSITIVE),
    ps.log2: (np.log2, POSITIVE), ps.log10: (np.log10, POSITIVE), ps.log1p: (np.log1p, POSITIVE),
    ps.sin: (np.sin, X), ps.cos: (np.cos, X), ps.tan: (np.tan, X), ps.arcsin: (np.arcsin, UNIT),
    ps.arccos: (np.arccos, UNIT), ps.arctan: (np.arctan, X), ps.sinh: (np.sinh, X),
    ps.cosh: (np.cosh, X), ps.tanh: (np.tanh, X), ps.arcsinh: (np.arcsinh, X),
    ps.arccosh: (np.arccosh, [1.2, 3.0]), ps.arctanh: (np.arctanh, UNIT),
    ps.sign: (np.sign, X), ps.ceil: (np.ceil, X), ps.floor: (np.floor, X), ps.trunc: (np.trunc, X),
    ps.round_half_to_even: (np.round, [0.7, 2.2]), ps.real: (np.real, X), ps.imag: (np.imag, X),
    ps.conj: (np.conj, X), ps.angle: (np.angle, X), ps.erf: (sp.erf, X), ps.erfc: (sp.erfc, X),
    ps.erfcx: (sp.erfcx, X), ps.erfinv: (sp.erfinv, UNIT), ps.erfcinv: (sp.erfcinv, P),
    ps.ndtri_exp: (sp.ndtri_exp, [-3.0, -0.7, -0.1]), ps.sigmoid: (sp.expit, X),
    ps.softplus: (lambda x: np.log1p(np.exp(x)), X),
    ps.log1mexp: (lambda x: np.log(1 - np.exp(x)), [-3.0, -0.7, -0.1]),
    ps.gamma: (sp.gamma, POSITIVE), ps.gammaln: (sp.gammaln, POSITIVE), ps.psi: (sp.psi, X),
    ps.tri_gamma: (lambda x: sp.zeta(2, x), POSITIVE), ps.j0: (sp.j0, X), ps.j1: (sp.j1, X),
    ps.i0: (sp.i0, X), ps.i1: (sp.i1, X),
}  # fmt: skip
KX = [(0.5, 0.2), (2.3, 1.7), (3.0, 9.0), (20.0, 15.0), (20.0, 40.0), (0.3, 5.0)]
NARY = {
    ps.add: (np.add, PAIRS), ps.mul: (np.multiply, PAIRS), ps.sub: (np.subtract, PAIRS),
    ps.true_div: (np.true_divide, PAIRS), ps.int_div: (np.floor_divide, PAIRS), ps.mod: (np.mod, PAIRS),
    ps.pow: (np.power, [(1.3, 0.7), (2.0, -1.2), (0.4, 2.5)]), ps.arctan2: (np.arctan2, PAIRS),
    ps.maximum: (np.maximum, PAIRS), ps.minimum: (np.minimum, PAIRS),
    ps.second: (lambda x, y: y, PAIRS), ps.clip: (np.clip, [(2.0, 1.0, 3.0), (0.5, 1.0, 3.0), (4.0, 1.0, 3.0)]),
    ps.switch: (np.where, [(1.0, 2.0, 3.0), (0.0, 2.0, 3.0)]), ps.owens_t: (sp.owens_t, PAIRS),
    ps.jv: (sp.jv, [(1.5, 2.0), (0.0, 3.1)]), ps.ive: (sp.ive, [(1.5, 2.0), (2.0, -3.1)]),
    ps.kve: (sp.kve, [(1.5, 2.0), (0.0, 3.1)]), ps.gammainc: (sp.gammainc, KX),
    ps.gammaincc: (sp.gammaincc, KX), ps.gammaincinv: (sp.gammaincinv, [(2.0, 0.3), (0.7, 0.8)]),
    ps.gammainccinv: (sp.gammainccinv, [(2.0, 0.3), (0.7, 0.8)]),
    ps.betainc: (sp.betainc, [(2.0, 3.0, 0.3), (0.5, 0.7, 0.9), (30.0, 20.0, 0.55), (1.0, 8.0, 0.6)]),
    ps.betaincinv: (sp.betaincinv, [(2.0, 3.0, 0.3), (0.5, 0.7, 0.9)]),
    ps.hyp2f1: (sp.hyp2f1, [(0.5, 1.2, 2.3, 0.4), (-2.0, 1.5, 0.7, -0.6), (3.0, 0.2, 1.1, 0.8)]),
}  # fmt: skip
CASES = [
    *((op, ref, [(p,) for p in points]) for op, (ref, points) in UNARY.items()),
    *((op, ref, points) for op, (ref, points) in NARY.items()),
]
IDS = [str(op) for op, *_ in CASES]


@pytest.mark.parametrize("op, ref, points", CASES, ids=IDS)
def test_values(op, ref, points):
    for point in points:
        np.testing.assert_allclose(apply(op, *point), ref(*point), rtol=1e-13, atol=1e-15)
        for dtype, tolerance in (("float32", 1e-5), ("float16", 5e-3)):
            low = [np.asarray(p, dtype)[()] for p in point]
            expected = np.asarray(ref(*[np.float64(p) for p in low]))
            result = apply(op, *low)
            assert result.dtype == dtype
            np.testing.assert_allclose(result, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("op, ref, points", CASES, ids=IDS)
def test_vectorized_impl(op, ref, points):
    """What the Python backend of Elemwise relies on."""
    assert op.vectorized_impl
    columns = [np.asarray(c) for c in zip(*points)]
    (result,) = op.evaluate(columns, ["float64"] * len(columns), ["float64"])
    each = [apply(op, *p) for p in points]
    np.testing.assert_allclose(result, each, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("op, ref, points", CASES, ids=IDS)
def test_derivatives(op, ref, points):
    inputs = [ps.float64(f"x{i}") for i in range(len(points[0]))]
    node, g = op.make_node(*inputs), ps.float64("g")
    tangents = [ps.float64(f"t{i}") for i in inputs]
    pulled = op.pullback(inputs, node.outputs, [g])
    for point in points:
        values = dict(zip(inputs, map(np.float64, point))) | {g: np.float64(1.7)}
        slopes = []
        for i, var in enumerate(pulled):
            h = 1e-5 * max(1, abs(point[i]))
            ahead, behind = (
                apply(op, *(p + s * (j == i) for j, p in enumerate(point))) for s in (h, -h)
            )
            slope = (ahead - behind) / (2 * h)
            if not isinstance(var.type, ps.ScalarType):
                assert isinstance(var.type, NullType) or slope == 0
                slopes.append(None)
                continue
            (value,) = run([var], values)
            np.testing.assert_allclose(value, 1.7 * slope, rtol=2e-6, atol=2e-8)
            slopes.append(slope)
        if None not in slopes:
            (pushed,) = op.pushforward(inputs, node.outputs, tangents)
            moves = [np.float64(0.3 + k) for k in range(len(inputs))]
            (value,) = run([pushed], values | dict(zip(tangents, moves)))
            np.testing.assert_allclose(value, np.dot(slopes, moves), rtol=2e-6, atol=2e-8)


@pytest.mark.parametrize("op", UNARY, ids=str)
def test_gradient_keeps_dtype(op):
    for dtype in ("float16", "float32"):
        x, g = ps.get_scalar_type(dtype)("x"), ps.get_scalar_type(dtype)("g")
        node = op.make_node(x)
        (gx,) = op.pullback([x], node.outputs, [g])
        assert gx.type.dtype == dtype


COMPLEX = [
    ps.add, ps.mul, ps.sub, ps.true_div, ps.pow, ps.neg, ps.reciprocal, ps.sqr, ps.exp, ps.log, ps.sqrt,
    ps.sin, ps.cos, ps.tan, ps.sinh, ps.cosh, ps.tanh, ps.arcsin, ps.arccos, ps.arctan, ps.arcsinh,
    ps.arccosh, ps.arctanh, ps.expm1, ps.log1p, ps.log2, ps.log10, ps.conj, ps.abs, ps.real, ps.imag,
    ps.angle, ps.identity,
]  # fmt: skip


@pytest.mark.parametrize("op", COMPLEX, ids=str)
def test_complex_gradient(op):
    """The cotangent of z is dC/dRe + i dC/dIm, of C = Re(w * conj(f)) for a complex weight w."""
    n = op.nin if op.nin > 0 else 2
    point = np.array([0.6 + 0.3j, -1.1 + 0.8j][:n])
    inputs = [ps.complex128() for _ in range(n)]
    node = op.make_node(*inputs)
    out = node.outputs[0]
    w = 0.7 - 0.4j if out.type in ps.complex_types else 0.7
    g = out.type()

    def cost(z):
        return np.real(np.conj(w) * apply(op, *z))

    results = run(
        op.pullback(inputs, [out], [g]), dict(zip(inputs, point)) | {g: out.type.filter(w)}
    )
    h = 1e-6
    for i, result in enumerate(results):
        e = np.eye(n)[i]
        expected = (cost(point + h * e) - cost(point - h * e)) / (2 * h)
        expected += 1j * (cost(point + 1j * h * e) - cost(point - 1j * h * e)) / (2 * h)
        np.testing.assert_allclose(result, expected, rtol=1e-6, atol=1e-8)


def test_complex_of_real_parts():
    x, y, g = ps.float64("x"), ps.float64("y"), ps.complex128("g")
    z = ps.complex(x, y)
    assert run([z], {x: np.float64(1), y: np.float64(-0.0)})[0] == 1
    parts = ps.complex.pullback([x, y], [z], [g])
    assert run(parts, {g: np.complex128(2 + 3j)}) == [2, 3]


# dtypes ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("op", [ps.add, ps.mul, ps.maximum, ps.true_div], ids=str)
def test_binary_dtypes_are_numpys(op):
    for a, b in itertools.product(DTYPES, repeat=2):
        got = op.make_node(*(ps.get_scalar_type(d)() for d in (a, b))).outputs[0].type.dtype
        assert got == op.nfunc(np.ones((), a), np.ones((), b)).dtype, (a, b)


@pytest.mark.parametrize("op", [ps.lt, ps.gt, ps.le, ps.ge, ps.eq, ps.neq], ids=str)
def test_comparisons(op):
    for a, b in itertools.product(DTYPES, repeat=2):
        for x, y in itertools.product((0, 1), repeat=2):
            x_, y_ = np.asarray(x, a)[()], np.asarray(y, b)[()]
            assert apply(op, x_, y_) == op.nfunc(x_, y_)
    nan = np.float64("nan")
    assert apply(op, nan, nan) == (op is ps.neq)
    big = np.uint64(2**63 + 1)
    assert apply(op, np.int64(-1), big) == op.nfunc(-1, 1)
    assert apply(op, np.int64(2**62), np.uint64(2**62 + 1)) == op.nfunc(0, 1)


def test_unary_float_dtypes():
    floats = {"bool": "float32", "int8": "float32", "uint16": "float32", "int32": "float64", "uint64": "float64"}  # fmt: skip
    for d, expected in floats.items():
        for op in (ps.exp, ps.sqrt, ps.sigmoid, ps.floor, ps.erf):
            result = apply(op, np.asarray(1, d)[()])
            assert result.dtype == expected
            np.testing.assert_allclose(result, op.evaluate([np.float64(1)], ["float64"], ["float64"])[0], rtol=1e-6)  # fmt: skip


def test_refused_dtypes():
    with pytest.raises(TypeError):
        ps.neg(ps.bool())
    with pytest.raises(TypeError):
        ps.sub(ps.bool(), ps.bool())
    with pytest.raises(TypeError, match="BitOp"):
        ps.and_(ps.float64(), ps.int8())
    with pytest.raises(TypeError):
        ps.and_(ps.uint64(), ps.int64())
    with pytest.raises(TypeError):
        ps.clip(ps.complex64(), 0, 1)
    for op in (ps.int_div, ps.mod, ps.mod_check):
        with pytest.raises(ps.ComplexError):
            op(ps.complex64(), 2)
    with pytest.raises(TypeError, match="Wrong number of inputs"):
        ps.exp(1.0, 2.0)
    with pytest.raises(TypeError, match="ambiguous"):
        ps.cast(ps.complex64(), "float32")


# Edges -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["int8", "int16", "int32", "int64", "uint8", "uint64"])
def test_integer_division(dtype):
    low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
    points = [low, high, 0, 1, 7, 3] + ([-1, -7, -3] if low < 0 else [])
    for a, b in itertools.product(points, repeat=2):
        x, y = np.asarray(a, dtype)[()], np.asarray(b, dtype)[()]
        with np.errstate(all="ignore"):
            assert apply(ps.int_div, x, y) == np.floor_divide(x, y)
            assert apply(ps.mod, x, y) == np.mod(x, y)
    assert apply(ps.int_div, np.asarray(7, dtype)[()], np.asarray(0, dtype)[()]) == 0


def test_float_division_edges():
    special = [0.0, -0.0, 1.5, -1.5, np.inf, -np.inf, np.nan]
    for a, b in itertools.product(special, repeat=2):
        with np.errstate(all="ignore"):
            for op in (ps.int_div, ps.mod, ps.true_div, ps.maximum, ps.minimum, ps.arctan2):
                x, y = np.float64(a), np.float64(b)
                result, expected = apply(op, x, y), op.nfunc(x, y)
                np.testing.assert_equal(result, expected, err_msg=f"{op} {a} {b}")
                if op in (ps.true_div, ps.arctan2):
                    assert np.signbit(result) == np.signbit(expected) or np.isnan(expected)


def test_special_values():
    nan, inf = np.nan, np.inf
    assert np.isnan(apply(ps.sign, nan)) and np.isnan(apply(ps.clip, nan, 0.0, 1.0))
    assert apply(ps.clip, 2.0, 3.0, 1.0) == 3.0
    assert apply(ps.softplus, 800.0) == 800.0 and apply(ps.softplus, -800.0) == 0.0
    assert apply(ps.sigmoid, -800.0) == 0.0 and apply(ps.sigmoid, inf) == 1.0
    assert apply(ps.log1mexp, -inf) == 0.0 and np.isnan(apply(ps.log1mexp, 0.1))
    np.testing.assert_allclose(apply(ps.log1mexp, -1e-20), np.log(1e-20))
    np.testing.assert_allclose(apply(ps.log1mexp, -50.0), -np.exp(-50.0))
    assert [apply(ps.round_half_away_from_zero, v) for v in (0.5, -2.5, 0.49999999999999994, 2.4)] == [
        1.0, -3.0, 0.0, 2.0]  # fmt: skip
    assert np.signbit(apply(ps.round_half_away_from_zero, -0.3))
    assert apply(ps.isnan, nan) and apply(ps.isinf, -inf) and not apply(ps.isnan, np.int8(1))
    assert apply(ps.isnan, complex(0, nan)) and apply(ps.isinf, complex(inf, 0))
    with pytest.raises(ValueError, match="negative integer powers"):
        apply(ps.pow, np.int64(2), np.int64(-1))
    assert apply(ps.pow, np.uint8(2), np.uint8(9)) == 0
    np.testing.assert_allclose(apply(ps.polygamma, np.int64(2), 1.5), sp.polygamma(2, 1.5))
    # by the reflection formula of the trigamma function
    np.testing.assert_allclose(apply(ps.tri_gamma, -0.3), np.pi**2 / np.sin(np.pi * -0.3) ** 2 - sp.zeta(2, 1.3))  # fmt: skip


def test_gradient_edges():
    x, y, g = ps.float64("x"), ps.float64("y"), ps.float64("g")

    def pull(op, *values):
        inputs = [ps.float64() for _ in values]
        out = op.make_node(*inputs).outputs
        return run(op.pullback(inputs, out, [g]), dict(zip(inputs, map(np.float64, values))) | {g: np.float64(1)})  # fmt: skip

    assert pull(ps.maximum, 2.0, 2.0) == [1, 0] and pull(ps.minimum, 2.0, 2.0) == [1, 0]
    assert pull(ps.maximum, np.nan, 2.0) == [0, 1]
    assert pull(ps.abs, 0.0) == [0]
    assert pull(ps.pow, 0.0, 2.0) == [0, 0]
    assert pull(ps.clip, 1.0, 1.0, 3.0) == [1, 0, 0]
    assert pull(ps.mul, 3.0, 4.0) == [4, 3]
    assert pull(ps.log1mexp, 0.0) == [-np.inf] and pull(ps.psi, 0.0) == [np.inf]
    assert np.isnan(pull(ps.gammainc, -1.5, 1.0)[0]) and pull(ps.gammainc, 2.0, 0.0)[0] == 0
    # discrete results are flat; discrete operands have float gradients
    assert ps.lt.pullback([x, y], [ps.lt(x, y)], [g])[0].type == ps.float64
    i = ps.int8("i")
    assert ps.mul.pullback([i, x], [ps.mul(i, x)], [g])[0].type == ps.float64
    assert isinstance(ps.jv.pullback([x, y], [ps.jv(x, y)], [g])[0].type, NullType)


def test_bits():
    for a, b in itertools.product((-128, -1, 0, 5, 127), repeat=2):
        x, y = np.int8(a), np.int8(b)
        assert apply(ps.and_, x, y) == x & y and apply(ps.or_, x, y) == x | y
        assert apply(ps.xor, x, y) == x ^ y and apply(ps.invert, x) == ~x
    assert apply(ps.invert, np.bool_(True)) == np.bool_(False)
    assert apply(ps.left_shift, np.int8(1), np.int8(9)) == 0
    assert apply(ps.right_shift, np.int8(-4), np.int8(9)) == -1
    assert apply(ps.left_shift, np.int8(3), np.int8(2)) == 12


@pytest.mark.parametrize("a", DTYPES)
def test_casts(a):
    for b in DTYPES:
        op = ps.basic._cast_mapping[b]
        for v in (0, 1, 100):
            value = np.asarray(v, a)[()]
            assert apply(op, value) == np.asarray(np.real(value)).astype(b)
            assert op.evaluate([np.asarray([v], a)], [a], [b])[0].dtype == b


def test_identity_of_ops():
    assert ps.add == ps.Add(ps.upcast_out) == ps.Add() and hash(ps.add) == hash(ps.Add())
    assert ps.add != ps.mul and ps.Cast(ps.int8) == ps.Cast(ps.int8) != ps.Cast(ps.int16)
    for op in (*UNARY, *NARY, ps.lt, ps.convert_to_int8):
        assert pickle.loads(pickle.dumps(op)) == op
    assert (
        str(ps.Cast(ps.int8)) == "Cast{int8}"
        and str(ps.add) == "add"
        and str(ps.sigmoid) == "sigmoid"
    )


def test_c_templates():
    f = ("float64",)
    assert ps.add.c_template(f * 3, f) == "(({0} + {1}) + {2})"
    assert ps.exp.c_template(["int8"], ["float32"]) == "pt_exp_f32({0})"
    assert ps.pow.c_template(["int8"] * 2, ["int8"]) is None
    assert ps.exp.c_template(["float16"], ["float16"]) == "pt_exp_f32({0})"
    assert ps.lt.c_template(["int64", "uint64"], ["bool"]) == "pt_lt_iu({0}, {1})"
    assert ps.convert_to_int8.c_template(["float64"], ["int8"]) == "pt_cast_f64_i8({0})"
    assert ps.switch.c_template(["bool", "int8", "float32"], ["float32"]) == "({0} ? {1} : {2})"
    assert ps.abs.c_template(["complex64"], ["float32"]) == "pt_abs_c64({0})"


def test_user_defined_op():
    class Half(ps.UnaryScalarOp):
        nfunc_spec = None

        def impl(self, x):
            return x / 2 if x > 0 else 0.0

        def grad(self, inputs, output_grads):
            return [output_grads[0] * 0.5]

    half = Half(ps.upgrade_to_float, name="half")
    assert apply(half, 3.0) == 1.5
    (result,) = half.evaluate([np.array([3.0, -1.0])], ["float64"], ["float64"])
    assert result.tolist() == [1.5, 0.0]
    x, g = ps.float64(), ps.float64()
    (gx,) = half.pullback([x], [half(x)], [g])
    assert run([gx], {g: np.float64(3)}) == [1.5]
    with pytest.raises(TypeError, match="callable"):
        Half(3)


def test_every_c_helper_is_described():
    """A name used in a template is in C_FUNCTIONS.md, and the templates are well formed."""
    import re
    from pathlib import Path

    text = (Path(ps.__file__).parent / "C_FUNCTIONS.md").read_text()
    described = set(re.findall(r"pt_[a-z0-9]+(?:_exp|_gamma|_t(?=\W))?", text))
    used = set()
    for op in {v for v in vars(ps).values() if isinstance(v, ps.ScalarOp)}:
        templates = op.c_expr.values() if isinstance(op.c_expr, dict) else [op.c_expr or ""]
        for template in templates:
            for name in re.findall(r"pt_\w+?(?=_\{t|_iu\(|_ui\()", template):
                used.add(name)
            formatted = template.format("x0", "x1", "x2", "x3", t="f64", to="f32")
            assert formatted.count("(") == formatted.count(")")
    assert len(used) > 50
    assert used <= described, used - described
