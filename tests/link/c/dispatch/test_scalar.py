"""Every scalar Op on every dtype in C agrees with Op.perform, special values included."""

import numpy as np
import pytest

import pytensor.scalar as ps
import pytensor.scalar.math as psm
import pytensor.tensor as pt
from pytensor.graph.fg import FunctionGraph
from pytensor.link.c.dispatch.basic import C_TYPES
from pytensor.link.c.dispatch.scalar import literal, scalar_code
from pytensor.link.py.linker import PyLinker
from pytensor.scalar.op import ScalarOp
from pytensor.tensor.elemwise import Elemwise
from tests.link.c.graphs import make, python_steps


def scalar_ops():
    found = {}
    for module in (ps.basic, psm):
        for name, op in vars(module).items():
            if isinstance(op, ScalarOp) and op.c_expr is not None and op.nout == 1:
                found.setdefault((type(op), str(op)), (name, op))
    return [pair for pair in found.values()]


def values_of(dtype: str, rng) -> np.ndarray:
    """Values at the edges of the dtype, and ordinary ones."""
    kind = np.dtype(dtype).kind
    if kind == "b":
        return rng.integers(0, 2, 67).astype(bool)
    if kind in "iu":
        info = np.iinfo(dtype)
        edges = [0, 1, 2, 3, 5, 7, info.max, info.max - 1, info.min, info.min + 1]
        if kind == "i":
            edges += [-1, -2, -3, -7]
        return np.concatenate(
            [np.array(edges, dtype), rng.integers(0, 64, 67 - len(edges)).astype(dtype)]
        )
    edges = [
        0.0,
        -0.0,
        1,
        -1,
        0.5,
        -0.5,
        1.5,
        2.5,
        -2.5,
        np.inf,
        -np.inf,
        np.nan,
        1e-30,
        -1e-30,
        30,
        -30,
    ]
    real = np.concatenate([edges, rng.normal(size=67 - len(edges)) * 2])
    if kind == "f":
        return real.astype(dtype)
    finite = rng.normal(size=67) + 1j * rng.normal(size=67)
    finite[:4] = [0, 1, -1, 1j]
    return finite.astype(dtype)


def tensors_for(op, dtype):
    n = op.nin if op.nin > 0 else 3
    return [pt.vector(f"x{i}", dtype=dtype) for i in range(n)]


def nodes_for(dtype):
    """One output for each scalar Op that accepts the dtype, on shared inputs."""
    xs = [pt.vector(f"x{i}", dtype=dtype) for i in range(3)]
    outputs = []
    for name, op in scalar_ops():
        n = op.nin if op.nin > 0 else 3
        try:
            node = Elemwise(op).make_node(*xs[:n])
        except (TypeError, NotImplementedError, KeyError):
            continue
        if op.has_c([dtype] * n, [v.type.dtype for v in node.outputs]):
            outputs.append((name, node.outputs[0]))
    return xs, outputs


@pytest.mark.parametrize(
    "dtype", [d for d in (*C_TYPES, "float16") if not d.endswith(("int16", "int32"))]
)
def test_all_ops(dtype):
    rng = np.random.default_rng(len(dtype))
    xs, outputs = nodes_for(dtype)
    assert len(outputs) > (15 if dtype != "bool" else 10)
    program = make(xs, [out for _, out in outputs])
    assert not python_steps(program), "has_c promises C that dispatch/scalar.py cannot write"
    reference = PyLinker().make_program(FunctionGraph(xs, [out for _, out in outputs], clone=True))
    base = values_of(dtype, rng)
    values = [base, rng.permutation(base), rng.permutation(base)]
    bad = []
    for (name, out), got, want in zip(outputs, program(*values), reference(*values)):
        if name.startswith("convert_to_uint") and base.dtype.kind in "fc":
            # NumPy's own answer out of range depends on the position in the array.
            inside = values[0].real >= 0
            got, want = got[inside], want[inside]
        assert got.dtype == want.dtype == out.type.dtype, name
        single = out.type.dtype in ("float32", "complex64") or dtype in ("float32", "complex64")
        tolerance = {"rtol": 3e-6, "atol": 3e-6} if single else {"rtol": 2e-13, "atol": 1e-13}
        if "float16" in (dtype, out.type.dtype):
            # One unit in the last place, where float32's are not NumPy's.
            tolerance = {"rtol": 1e-3, "atol": 6e-8}
        try:
            np.testing.assert_allclose(got, want, **tolerance)
            if got.dtype.kind == "f":
                zero = want == 0
                np.testing.assert_array_equal(np.signbit(got[zero]), np.signbit(want[zero]))
        except AssertionError as error:
            bad.append(f"{name} {error}")
    assert not bad, "\n".join(bad)


@pytest.mark.parametrize("dtype", ["int64", "uint8", "float32", "float64", "complex128"])
def test_literals_are_exact(dtype):
    """A constant inside a Composite keeps every bit."""
    rng = np.random.default_rng(3)
    if dtype.startswith(("int", "uint")):
        info = np.iinfo(dtype)
        numbers = [info.min, info.max, 0, 17]
    else:
        numbers = [0.1, -0.0, np.inf, -np.inf, np.nan, 1e-300, *rng.normal(size=3)]
        if dtype.startswith("complex"):
            numbers = [complex(a, b) for a, b in zip(numbers, numbers[::-1])]
    numbers = np.array(numbers).astype(dtype)
    x = ps.get_scalar_type(dtype)("x")
    bools = ps.get_scalar_type("bool")("b")
    outs = [ps.switch(bools, ps.constant(n, dtype=dtype), x) for n in numbers]
    op = ps.Composite([bools, x], outs)
    results = Elemwise(op)(
        pt.vector("b", dtype="bool"), pt.vector("x", dtype=dtype), return_list=True
    )
    program = make(results[0].owner.inputs, results)
    assert not python_steps(program)
    got = program(np.array([True, False]), np.array([5, 6]).astype(dtype))
    for value, number in zip(got, numbers):
        assert value[0].tobytes() == number.tobytes() or (np.isnan(number) and np.isnan(value[0]))
        assert value[1] == 6


def test_literal_text():
    assert literal(True, "bool") == "1"
    assert literal(0.5, "float32") == "0x1.0000000000000p-1f"
    assert literal(-(2**63), "int64") == "INT64_MIN"


def test_mixed_operands_and_composites():
    """Operands of several dtypes are cast as NumPy casts them, inside a Composite too."""
    b, i, u = (
        ps.get_scalar_type("bool")(),
        ps.get_scalar_type("int8")(),
        ps.get_scalar_type("uint64")(),
    )
    f = ps.get_scalar_type("float32")()
    out1, out2 = ps.add(ps.mul(b, i), f), ps.lt(i, u)
    op = Elemwise(ps.Composite([b, i, u, f], [out1, out2]))
    xs = [pt.vector(dtype=d) for d in ("bool", "int8", "uint64", "float32")]
    outs = op(*xs, return_list=True)
    values = [
        np.array([True, False, True]),
        np.array([-1, 5, 127], "int8"),
        np.array([0, 2**64 - 1, 3], "uint64"),
        np.array([0.25, np.nan, -1], "float32"),
    ]
    want = PyLinker().make_program(FunctionGraph(xs, outs, clone=True))(*values)
    program = make(xs, outs)
    assert not python_steps(program)
    for got, expected in zip(program(*values), want):
        assert got.dtype == expected.dtype
        np.testing.assert_array_equal(got, expected)


def test_operations_of_scipy_have_c():
    """`has_c` is what fusion goes by: a Composite with one that has none would run in Python as a whole."""
    for name, op in vars(psm).items():
        if not isinstance(op, ScalarOp) or op.nin > 4:
            continue
        for dtype in ("float16", "float32", "float64"):
            dtypes = ["int64"] * (name == "polygamma") + [dtype] * (op.nin - (name == "polygamma"))
            out = op.output_types([ps.get_scalar_type(d) for d in dtypes])[0].dtype
            assert op.has_c(dtypes, [out]), name
            assert scalar_code(op, dtypes, [out], "abcd"[: op.nin]) is not None, name


def test_no_c_for_unknown_ops():
    class Odd(ps.UnaryScalarOp):
        nfunc_spec = None

        def impl(self, x):
            return x + 1

    assert scalar_code(Odd(ps.upcast_out), ["float64"], ["float64"], ["a"]) is None


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("exp", -745, 709), ("exp", -1, 1), ("expm1", -40, 709), ("expm1", -1e-3, 1e-3),
        ("log", 1e-308, 1e308), ("log", 0.9, 1.1), ("log1p", -0.999, 10), ("log1p", -1e-3, 1e-3),
        ("tanh", -20, 20), ("tanh", -1e-3, 1e-3), ("sin", -100, 100), ("cos", -100, 100),
        ("log2", 0.5, 3), ("log10", 0.5, 3), ("exp2", -100, 100), ("erf", -3, 3), ("tan", -3, 3),
        ("arctan", -3, 3), ("sinh", -5, 5), ("cosh", -5, 5), ("sqrt", 0, 9),
    ],
)  # fmt: skip
def test_vector_math_is_accurate(name, low, high, request):
    """Within 4 units in the last place of NumPy (which is within 1 of the truth, SciPy's erf too)."""
    program, names = request.getfixturevalue("vector_functions")
    x = np.random.default_rng(0).uniform(low, high, 4001)
    got = dict(zip(names, program(x)))[name]
    scalar_op = getattr(ps, name, None) or getattr(psm, name)
    want = scalar_op.impl(x)
    ulp = np.abs(got - want) / np.spacing(np.abs(want))
    assert ulp.max() <= 4


@pytest.fixture(scope="module")
def vector_functions():
    names = (
        "exp expm1 log log1p tanh sin cos log2 log10 exp2 erf tan arctan sinh cosh sqrt"
    ).split()
    x = pt.vector("x")
    return make([x], [getattr(pt, name)(x) for name in names]), names


def test_vector_math_special_values(vector_functions):
    program, names = vector_functions
    x = np.array(
        [0.0, -0.0, np.inf, -np.inf, np.nan, 1, -1, 5e-324, -5e-324, 1e-310, 709.78, 709.79, 710,
         -745.1, -746, 1e300, -1e300, 1e-20, -1e-20, -2, 2.2250738585072014e-308,
         1.7976931348623157e308] * 3
    )  # fmt: skip
    for name, got in zip(names, program(x)):
        if name in ("sin", "cos", "tan"):
            continue
        scalar_op = getattr(ps, name, None) or getattr(psm, name)
        with np.errstate(all="ignore"):
            want = scalar_op.impl(x)
        np.testing.assert_allclose(got, want, rtol=1e-15, err_msg=name)
        number = ~np.isnan(want)
        np.testing.assert_array_equal(np.signbit(got[number]), np.signbit(want[number]), name)
