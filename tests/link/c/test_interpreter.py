"""The interpreter gives what native code gives, bit for bit, for every scalar Op and reduction."""

import re

import numpy as np
import pytest

import pytensor.scalar as ps
import pytensor.tensor as pt
from pytensor.configdefaults import config
from pytensor.graph.traversal import explicit_graph_inputs
from pytensor.link.c import vm
from pytensor.link.c.dispatch.basic import C_TYPES, c_funcify
from pytensor.link.c.interpreter import read_head
from pytensor.scalar.composite import Composite
from pytensor.tensor.elemwise import Elemwise
from tests.link.c.dispatch.test_scalar import nodes_for, values_of
from tests.link.c.graphs import layouts, make

pytestmark = pytest.mark.skipif(vm.index() is None, reason="the interpreter is not installed")

LENGTHS = (0, 1, 3, 255, 256, 257, 1000)


def both(inputs, outputs):
    """Return the same graph interpreted and as native code."""
    with config.change_flags(compile__tier="interpret"):
        interpreted = make(inputs, outputs)
    assert not interpreted.is_native
    assert interpreted.promotion is not None, "nothing is interpreted"
    compiled = [
        f.kernel.body for unit in interpreted.units if not unit.ready for f in unit.functions
    ]
    assert not any("svc->" in body for body in compiled), "a loop was compiled"
    with config.change_flags(compile__tier="native"):
        native = make(inputs, outputs)
    assert native.is_native
    return interpreted, native


def same_bits(a, b) -> bool:
    """Equal in dtype, shape and every bit; NaNs may differ in sign and payload."""
    a, b = np.asarray(a), np.asarray(b)
    if a.dtype != b.dtype or a.shape != b.shape:
        return False
    if a.dtype.kind == "c":
        return same_bits(a.real, b.real) and same_bits(a.imag, b.imag)
    if a.dtype.kind != "f":
        return a.tobytes() == b.tobytes()
    nan = np.isnan(a)
    return np.array_equal(nan, np.isnan(b)) and a[~nan].tobytes() == b[~nan].tobytes()


def nearly(a, b) -> bool:
    """Equal but for what native code leaves open.

    Where elements of several sizes meet in a loop, its last elements may be computed by libm's
    functions instead of their vector twins. And gcc makes complex products of fused operations or
    not, as it likes.
    """
    if a.dtype.kind not in "fc":
        return same_bits(a, b)
    last = len(a) - 64 if a.dtype.kind == "f" and len(a) > 64 else 0
    tolerance = 8 * np.finfo(a.dtype).eps
    return same_bits(a[:last], b[:last]) and np.allclose(a, b, tolerance, tolerance, equal_nan=True)


def values_for(dtype, n, rng):
    """Special values, denormals and ordinary ones."""
    base = values_of(dtype, rng)
    if base.dtype.kind == "f":
        tiny = np.finfo(dtype).smallest_subnormal
        base[-4:] = [tiny, -tiny * 3, np.finfo(dtype).max, np.finfo(dtype).tiny]
    return rng.choice(base, n)


@pytest.mark.parametrize("dtype", C_TYPES)
def test_every_op_of_every_dtype(dtype):
    rng = np.random.default_rng(0)
    xs, outputs = nodes_for(dtype)
    interpreted, native = both(xs, [out for _, out in outputs])
    for n in LENGTHS:
        values = [values_for(dtype, n, rng) for _ in xs]
        results = zip(outputs, interpreted(*values), native(*values))
        equal = same_bits if dtype in ("float32", "float64") else nearly
        bad = [name for (name, _), got, want in results if not equal(got, want)]
        assert not bad, (n, bad)


@pytest.mark.parametrize("dtype", ["float64", "float32", "int64"])
@pytest.mark.parametrize("at", [0, 1])
def test_constants_and_scalar_inputs(dtype, at):
    """One operand is one element for all: a constant, or an input of length 1."""
    rng = np.random.default_rng(1)
    x, s = pt.vector("x", dtype=dtype), pt.tensor("s", dtype=dtype, shape=(1,))
    outputs = []
    for op in (
        ps.add,
        ps.sub,
        ps.mul,
        ps.maximum,
        ps.minimum,
        ps.lt,
        ps.ge,
        ps.eq,
        ps.mod,
        ps.int_div,
    ):
        for other in (s, pt.constant(np.array([3], dtype))):
            pair = (other, x) if at else (x, other)
            outputs.append(Elemwise(op)(*pair))
    condition = Elemwise(ps.gt)(x, s)
    three = pt.constant(np.array([3], dtype))
    for branches in ((x, three), (three, x), (s, three)):
        outputs.append(Elemwise(ps.switch)(condition, *branches))
    interpreted, native = both([x, s], outputs)
    for n in LENGTHS:
        values = values_for(dtype, n, rng), values_for(dtype, 1, rng)
        for k, (got, want) in enumerate(zip(interpreted(*values), native(*values))):
            assert same_bits(got, want), (n, k)


def test_powers_that_compilers_replace():
    x = pt.vector("x", dtype="float64")
    powers = [pt.constant(np.array([p])) for p in (-1.0, 0.0, 0.5, 1.0, 2.0, 3.0, -0.5)]
    interpreted, native = both([x], [Elemwise(ps.pow)(x, p) for p in powers])
    value = values_for("float64", 1000, np.random.default_rng(2))
    for got, want in zip(interpreted(value), native(value)):
        assert same_bits(got, want)


_SHORT = [ps.add, ps.mul, ps.sub, ps.true_div, ps.maximum, ps.neg, ps.sqrt, ps.abs, ps.sqr, ps.switch, ps.gt]  # fmt: skip
_LONG = [ps.exp, ps.tanh, ps.log1p, ps.expm1, ps.sigmoid, ps.log]


def random_composite(rng, n_ops, dtypes, n_out):
    """A scalar graph of many Ops over inputs of several dtypes; casts come by themselves."""
    inputs = [ps.get_scalar_type(d)() for d in dtypes]
    pool = [*inputs, ps.constant(0.75), ps.constant(2)]
    n_long = 0
    for _ in range(n_ops):
        op = _SHORT[rng.integers(len(_SHORT))]
        n = op.nin if op.nin > 0 else int(rng.integers(2, 5))
        chosen = [pool[rng.integers(len(pool))] for _ in range(n)]
        if op in (ps.neg, ps.sub) and any(v.type.dtype == "bool" for v in chosen):
            continue
        pool.append(op(*chosen))
        # Our own vector functions; with many of them libm's are called.
        if pool[-1].type.dtype == "float64" and n_long < 5 and rng.random() < 0.3:
            pool.append(_LONG[rng.integers(len(_LONG))](pool[-1]))
            n_long += 1
    computed = [v for v in pool if v.owner is not None]
    outputs = [computed[-1 - i % len(computed)] for i in range(n_out)]
    return Composite(inputs, outputs)


@pytest.mark.parametrize("seed", range(12))
def test_random_programs(seed):
    """Blocks are used again, constants stay, outputs are written at the right time."""
    rng = np.random.default_rng(seed)
    dtypes = [["float64"] * 3, ["float64", "int32", "float64"]][seed % 2]
    op = random_composite(rng, int(rng.integers(3, 40)), dtypes, int(rng.integers(1, 4)))
    shapes = [(None,), (None,), (1,) if seed % 3 == 0 else (None,)]
    xs = [pt.tensor(f"x{i}", dtype=d, shape=s) for i, (d, s) in enumerate(zip(dtypes, shapes))]
    interpreted, native = both(xs, Elemwise(op)(*xs, return_list=True))
    for n in LENGTHS:
        values = [values_for(d, 1 if s == (1,) else n, rng) for d, s in zip(dtypes, shapes)]
        for got, want in zip(interpreted(*values), native(*values)):
            assert same_bits(got, want), n


def test_layouts():
    rng = np.random.default_rng(3)
    x, row, col = pt.dmatrix("x"), pt.drow("row"), pt.dcol("col")
    outputs = [x * row + pt.exp(col), pt.tanh(x) - col, (x > row).astype("float32")]
    outputs += [
        (x * row).sum(axis=0),
        pt.exp(x).sum(axis=1),
        x.max(axis=1),
        x.sum(),
        (x.T * 2).prod(),
    ]
    interpreted, native = both([x, row, col], outputs)
    for r, c in ((1, 1), (3, 700), (700, 3), (40, 50)):
        given = rng.normal(size=(r, c)), rng.normal(size=(1, c)), rng.normal(size=(r, 1))
        for first in layouts(given[0]):
            values = (first, *given[1:])
            got, want = interpreted(*values), native(*values)
            assert all(map(same_bits, got, want)), first.shape


@pytest.mark.parametrize("dtype", C_TYPES)
def test_reductions(dtype):
    rng = np.random.default_rng(4)
    x = pt.matrix("x", dtype=dtype)
    makes = [pt.sum, pt.prod]
    if not dtype.startswith("complex"):
        makes += [pt.max, pt.min, pt.all, pt.any]
    outputs = [make_(x, axis=axis) for make_ in makes for axis in (None, 0, 1)]
    interpreted, native = both([x], outputs)
    for shape in ((1, 1), (7, 300), (300, 7), (64, 64)):
        value = values_for(dtype, shape[0] * shape[1], rng).reshape(shape)
        for got, want in zip(interpreted(value), native(value)):
            assert same_bits(got, want), shape


def test_scalars():
    """0-d programs, one operation and many."""
    x, y = pt.dscalar("x"), pt.dscalar("y")
    z = pt.exp(x) * y + 1
    outputs = [x + 1, pt.switch(x > y, x, y), z, pt.cast(x, "int32"), pt.tanh(z) ** 2 / (1 + z)]
    interpreted, native = both([x, y], outputs)
    for a in (0.0, -0.0, 1.5, np.nan, np.inf, 5e-324):
        for got, want in zip(interpreted(a, 0.3), native(a, 0.3)):
            assert same_bits(got, want)


class TestOutputsOverInputs:
    """An output lies over an input that dies: all of an element is read before it is written."""

    def run(self, composite, n=600, seed=5):
        rng = np.random.default_rng(seed)
        xs = [pt.dvector(f"x{i}") for i in range(composite.nin)]
        # Copies that die at the loop: their memory may become that of its outputs.
        outs = Elemwise(composite)(*[x + 1 for x in xs], return_list=True)
        interpreted, native = both(xs, outs)
        values = [rng.normal(size=n) for _ in xs]
        for got, want in zip(interpreted(*values), native(*values)):
            assert same_bits(got, want)

    def test_exchanged(self):
        a, b = ps.float64("a"), ps.float64("b")
        self.run(Composite([a, b], [b, a]))

    def test_input_read_after_first_output(self):
        a, b = ps.float64("a"), ps.float64("b")
        self.run(Composite([a, b], [a * b, ps.exp(a) + b, a - b]))

    def test_output_used_again(self):
        a, b = ps.float64("a"), ps.float64("b")
        c = a * b
        self.run(Composite([a, b], [c, c, ps.tanh(c) + a]))

    def test_constant_and_input_as_outputs(self):
        a, b = ps.float64("a"), ps.float64("b")
        self.run(Composite([a, b], [ps.add(b, 2.0), a, b]))

    def test_destroyed(self):
        x, y = pt.dvector("x"), pt.dvector("y")
        a, b = ps.float64("a"), ps.float64("b")
        op = Elemwise(Composite([a, b], [ps.exp(a) * b + a, b * 2.0]), {0: 0})
        outs = op(x + 1, y, return_list=True)
        interpreted, native = both([x, y], outs)
        rng = np.random.default_rng(6)
        values = rng.normal(size=700), rng.normal(size=700)
        for got, want in zip(interpreted(*values), native(*values)):
            assert same_bits(got, want)


def test_errors_are_the_same():
    x, y = pt.dvector("x"), pt.dvector("y")
    interpreted, native = both([x, y], [x + y * 2])
    messages = []
    for program in (interpreted, native):
        with pytest.raises(ValueError, match="dimension mismatch") as caught:
            program(np.ones(3), np.ones(4))
        messages.append(str(caught.value))
    assert messages[0] == messages[1]


def test_what_has_no_function_is_compiled():
    """An Op of the user's own has C, but nobody compiled a function for it before."""

    class Odd(ps.ScalarOp):
        nin = 1
        types = staticmethod(lambda x: (x,))
        c_expr = {"f": "{0} * 3 + 1"}  # noqa: RUF012

    x = pt.dvector("x")
    node = Elemwise(Odd(name="odd"))(x).owner
    kernel = c_funcify(node.op, node=node)
    assert kernel is not None
    assert kernel.interpreted is None


def test_text_in_c_is_written_when_asked_for():
    x, y, z = pt.dvectors("xyz")
    i = pt.lvector("i")
    graphs = [
        [pt.tanh(x) * y + z * x + i],
        [pt.maximum(pt.exp(x), y) ** 2.5, pt.softplus(z) + x + y + z],
        [pt.dscalar("s") + 1.0],
        [(pt.sin(x) * y).sum()],
    ]
    for outputs in graphs:
        inputs = list(explicit_graph_inputs(outputs))
        with config.change_flags(compile__tier="interpret"):
            program = make(inputs, outputs)
        kernels = [f.kernel for unit in program.promotion.units for f in unit.functions]
        assert kernels and all(kernel._made is None for kernel in kernels)
        for kernel in kernels:
            native = kernel.native()
            assert native.flags == kernel.flags
            assert native.inplace == kernel.inplace and native.destroys == kernel.destroys
            said = re.search(r"pt_elemwise e = \{.*?, \d+, \d+, \d+, ([\d.]+),", native.body)
            if said:  # what is done per element is estimated alike
                head = read_head(kernel.interpreted.data)
                cost = head["cost"] - 0.1 * head["n_body"]
                assert cost == pytest.approx(float(said[1]), abs=0.051)
