"""Elemwise kernels: layouts, broadcasting, memory, errors."""

import itertools

import numpy as np
import pytest

import pytensor
import pytensor.scalar as ps
import pytensor.tensor as pt
from pytensor.graph.fg import FunctionGraph
from pytensor.link.c.dispatch.basic import C_CODE, Source
from pytensor.link.c.source import build_unit
from pytensor.link.c.toolchain import find_compiler
from pytensor.link.py.linker import PyLinker
from pytensor.tensor.elemwise import Elemwise
from tests.link.c.graphs import layouts, make, python_steps

rng = np.random.default_rng(5)


def reference(inputs, outputs):
    return PyLinker().make_program(FunctionGraph(list(inputs), list(outputs), clone=True))


@pytest.fixture(scope="module")
def programs():
    """Programs by the number of axes: sums over operands broadcast in every way."""
    made = {}
    for ndim in (1, 2, 3, 4):
        x = pt.tensor("x", dtype="float64", shape=(None,) * ndim)
        k = pt.tensor("k", dtype="int16", shape=(None,) * ndim)
        masks = list(itertools.product((True, False), repeat=ndim))[:-1]
        rows = [
            pt.tensor(f"r{i}", dtype="float64", shape=tuple(1 if m else None for m in mask))
            for i, mask in enumerate(masks)
        ]
        outs = [x + k, x * x > 1, pt.switch(k > 0, x, k), pt.exp(x.T) - x.T, *(x * r for r in rows)]
        inputs = [x, k, *rows]
        made[ndim] = masks, make(inputs, outs), reference(inputs, outs)
        assert not python_steps(made[ndim][1])
    return made


SHAPES = [
    (7, 40, 9, 5), (1, 1, 1, 1), (0, 3, 2, 1), (3, 0, 2, 4), (65, 33, 2, 3), (2, 700, 3, 1),
    (600, 2, 1, 3),
]  # fmt: skip


@pytest.mark.parametrize("ndim", [1, 2, 3, 4])
@pytest.mark.parametrize("shape", SHAPES)
def test_layouts_and_broadcasting(programs, ndim, shape):
    masks, program, python = programs[ndim]
    shape = shape[:ndim]
    x = rng.normal(size=shape)
    k = rng.integers(-3, 3, shape).astype("int16")
    rows = [rng.normal(size=tuple(1 if m else n for m, n in zip(mask, shape))) for mask in masks]
    want = python(x, k, *rows)
    for x_layout, k_layout in zip(layouts(x), reversed(list(layouts(k)))):
        for got, expected in zip(program(x_layout, k_layout, *rows), want):
            assert got.dtype == expected.dtype
            np.testing.assert_allclose(got, expected, rtol=1e-14)


def test_repeated_elements_as_input(programs):
    """Strides of 0 at run time, not known before."""
    masks, program, python = programs[2]
    x = np.broadcast_to(rng.normal(size=(1, 70)), (50, 70))
    k = np.broadcast_to(rng.integers(-3, 3, (50, 1)).astype("int16"), (50, 70))
    rows = [rng.normal(size=tuple(1 if m else n for m, n in zip(mask, x.shape))) for mask in masks]
    for got, expected in zip(program(x, k, *rows), python(x, k, *rows)):
        np.testing.assert_allclose(got, expected, rtol=1e-14)


def test_mismatch_names_op_and_shapes():
    x, y = pt.matrices("x", "y")
    program = make([x, y], [x + y])
    with pytest.raises(
        ValueError, match=r"\[Add\] Input dimension mismatch.*axis 1.*\(3, 4\), \(3, 5\)"
    ):
        program(np.zeros((3, 4)), np.zeros((3, 5)))
    with pytest.raises(ValueError, match="Runtime broadcasting not allowed"):
        program(np.zeros((3, 4)), np.zeros((3, 1)))
    np.testing.assert_array_equal(program(np.ones((2, 2)), np.ones((2, 2)))[0], 2)


def test_zero_dimensions_and_many_operands():
    scalars = [pt.scalar(f"s{i}") for i in range(40)]
    vectors = [pt.vector(f"v{i}") for i in range(40)]
    outs = [pt.add(*scalars), pt.add(*vectors), pt.add(*vectors, scalars[0])]
    values = [*(np.asarray(float(i)) for i in range(40)), *rng.normal(size=(40, 3, 2))[:, :, 1]]
    program = make([*scalars, *vectors], outs)
    assert not python_steps(program)
    for got, want in zip(program(*values), reference([*scalars, *vectors], outs)(*values)):
        np.testing.assert_allclose(got, want, rtol=1e-14)


def test_several_outputs():
    a, b = ps.float64("a"), ps.float64("b")
    op = Elemwise(ps.Composite([a, b], [ps.add(a, b), ps.lt(a, b), ps.mul(a, ps.exp(ps.tanh(b)))]))
    x, y = pt.matrix("x"), pt.row("y")
    outs = op(x, y, return_list=True)
    program = make([x, y], outs)
    assert not python_steps(program)
    for shape in ((4, 5), (300, 7), (0, 3)):
        values = rng.normal(size=shape), rng.normal(size=(1, shape[1]))
        want = reference([x, y], outs)(*values)
        for layout in layouts(values[0]):
            for got, expected in zip(program(layout, values[1]), want):
                assert got.dtype == expected.dtype
                np.testing.assert_allclose(got, expected, rtol=1e-14)


def test_inplace_writes_into_its_input():
    x, y = pt.matrices("x", "y")
    out = Elemwise(ps.add, inplace_pattern={0: 0})(x, y)
    f = pytensor.function(
        [pytensor.In(x, mutable=True), y], out, mode=pytensor.compile.mode.Mode("c", None),
        accept_inplace=True,
    )  # fmt: skip
    b = rng.normal(size=(40, 50))
    for base in (np.ones((40, 50)), np.ones((50, 40)).T, np.ones((80, 100))[::2, ::2]):
        result = f(base, b)
        np.testing.assert_array_equal(base, 1 + b)
        np.testing.assert_array_equal(result, base)


def test_buffers_are_reused_without_harm():
    """A chain of loops over one buffer, with values that are read later."""
    x = pt.vector("x")
    y = pt.exp(x)
    z = y * 2 + x
    w = pt.tanh(z) * y - z
    program = make([x], [w.sum(), w / y])
    value = rng.normal(size=1000)
    ey = np.exp(value)
    ez = ey * 2 + value
    ew = np.tanh(ez) * ey - ez
    for _ in range(3):
        total, ratio = program(value)
        np.testing.assert_allclose(total, ew.sum(), rtol=1e-12)
        np.testing.assert_allclose(ratio, ew / ey, rtol=1e-12)


def test_long_functions_get_loops_of_their_own():
    """Segments of a block give the value of one loop, over inputs that outputs replace, too."""
    x, y = pt.vectors("x", "y")
    a, b = ps.float64("a"), ps.float64("b")
    e = ps.exp(a)
    op = Elemwise(
        ps.Composite([a, b], [ps.tanh(e) + b, ps.log1p(e) * a, e]), inplace_pattern={1: 0}
    )
    f = make([x, y], op(pt.exp(x) * 0 + x, y, return_list=True))
    for n in (0, 1, 255, 256, 257, 1000):
        u, v = rng.normal(size=(2, n))
        for got, want in zip(f(u, v), (np.tanh(np.exp(u)) + v, np.log1p(np.exp(u)) * u, np.exp(u))):
            np.testing.assert_allclose(got, want, rtol=1e-13, atol=1e-13)


HELPERS = [
    ("math_int.c", ("int8_t", "uint8_t", "i8", 1)),
    ("math_int.c", ("uint16_t", "uint16_t", "u16", 0)),
    ("math_int.c", ("uint64_t", "uint64_t", "u64", 0)),
]


def test_c_files_compile_alone(tmp_path):
    """Every file, as it is and for other types, without a warning."""
    compiler = find_compiler()
    if compiler is None:
        pytest.skip("no C compiler")
    units = {}
    for name in (
        "elemwise.h libm.h math_cast.h vector_math.h math_int.c math_real.c math_complex.c reduce.c"
    ).split():
        units[name] = build_unit([Source(C_CODE, name)], "")
    for name, (t, u, suffix, signed) in HELPERS:
        defines = (("T", t), ("U", u), ("PT_SUFFIX", suffix), ("PT_SIGNED", str(signed)))
        units[suffix] = build_unit([Source(C_CODE, name, defines)], "")
    single = (("T", "float"), ("PT_SUFFIX", "f32"), ("PT_SINGLE", "1"))
    units["f32"] = build_unit([Source(C_CODE, "math_real.c", single)], "")
    single = (("T", "float _Complex"), ("R", "float"), ("PT_SUFFIX", "c64"), ("PT_SINGLE", "1"))
    units["c64"] = build_unit([Source(C_CODE, "math_complex.c", single)], "")
    flags = ("-std=gnu11", "-Wall", "-Wextra", "-Werror", "-Wno-unused-function", "-c", "-O0")
    for i, (name, text) in enumerate(units.items()):
        compiler.compile(text, tmp_path, flags=flags, name=f"u{i}")


def test_many_long_functions_are_called():
    """More of them than are written out: libm's take their place, in one loop."""
    x = ps.float64("x")
    terms = [f(ps.mul(x, k / 10)) for k in range(1, 5) for f in (ps.exp, ps.tanh, ps.expm1)]
    out = Elemwise(ps.Composite([x], [ps.add(*terms), ps.log1p(terms[0])]))
    v = pt.vector("v")
    outs = out(v, return_list=True)
    program = make([v], outs)
    assert not python_steps(program)
    for n in (1, 7, 8, 300):
        value = rng.normal(size=n)
        for got, want in zip(program(value), reference([v], outs)(value)):
            np.testing.assert_allclose(got, want, rtol=1e-13, atol=1e-13)
