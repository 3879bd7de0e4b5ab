"""Products of stacks of matrices: every broadcast pattern, their derivatives, sums over batches."""

import itertools
import pathlib
import sys

import numpy as np
import pytest

import pytensor
import pytensor.tensor as pt
from pytensor.gradient import grad
from pytensor.graph.fg import FunctionGraph
from pytensor.graph.rewriting.basic import in2out
from pytensor.raise_op import CheckAndRaise
from pytensor.tensor.blas import BatchedDot, Dot22
from pytensor.tensor.elemwise import Elemwise
from pytensor.tensor.rewriting.blas_batched import local_batched_matmul_to_core_matmul

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from product_checks import assert_same_values, calls, check, fired, random_inputs, rewritten

A, B = pt.dmatrices("A", "B")
x, y = pt.dvectors("x", "y")
T, U = pt.dtensor3("T"), pt.dtensor3("U")
Q = pt.dtensor4("Q")

# Batch axes of both operands: n is a length, 1 a broadcast axis.
BATCHES = {
    "b": (2,),
    "1": (1,),
    "bc": (2, 3),
    "1c": (1, 3),
    "b1": (2, 1),
    "11": (1, 1),
    "": (),
    "bcd": (2, 3, 2),
    "b1d": (2, 1, 2),
}
PATTERNS = [
    (left, right)
    for left, right in itertools.product(BATCHES, repeat=2)
    if all(
        m == n or 1 in (m, n)
        for m, n in zip(reversed(BATCHES[left]), reversed(BATCHES[right]), strict=False)
    )
]


def operands(left, right, dtype="float64", core=((3, 4), (4, 5))):
    """Return variables whose unknown axes are those of a length other than 1."""
    return [
        pt.tensor(
            name, dtype=dtype, shape=(*(1 if n == 1 else None for n in batch), *[None] * len(c))
        )
        for name, batch, c in zip("lr", (BATCHES[left], BATCHES[right]), core, strict=True)
    ]


def arrays(left, right, dtype="float64", core=((3, 4), (4, 5)), layout="C", seed=0):
    rng = np.random.default_rng(seed)
    result = []
    for batch, c in zip((BATCHES[left], BATCHES[right]), core, strict=True):
        shape = (*batch, *c)
        array = rng.normal(size=shape) * 3
        if dtype.startswith("complex"):
            array = array + 1j * rng.normal(size=shape)
        array = np.abs(array).astype(dtype) if dtype.startswith("u") else array.astype(dtype)
        if layout == "F":
            array = np.asfortranarray(array)
        elif layout == "swapped":
            array = np.ascontiguousarray(array.swapaxes(-1, 0)).swapaxes(-1, 0)
        elif layout == "stepped":
            array = np.repeat(np.repeat(array, 2, axis=0), 2, axis=-1)[::2, ..., ::2]
        elif layout == "negative":
            array = array[::-1, ..., ::-1].copy()[::-1, ..., ::-1]
        result.append(array)
    return result


@pytest.fixture(scope="module")
def all_products():
    """One function of a left and a right operand of each batch: the products of all patterns."""
    sides = {
        (side, name): operands(name, name)[side == "right"]
        for name in BATCHES
        for side in ("left", "right")
    }
    outputs = [sides["left", left] @ sides["right", right] for left, right in PATTERNS]
    return pytensor.function(list(sides.values()), outputs)


@pytest.mark.parametrize("layout", ["C", "F", "swapped", "stepped", "negative"])
def test_every_pattern_of_numpy(all_products, layout):
    cores = [
        ((3, 4), (4, 5)),
        ((1, 4), (4, 5)),
        ((3, 4), (4, 1)),
        ((3, 1), (1, 5)),
        ((3, 0), (0, 5)),
    ]
    for core in cores:
        values = {name: arrays(name, name, core=core, layout=layout) for name in BATCHES}
        results = all_products(*(array for pair in values.values() for array in pair))
        for (left, right), got in zip(PATTERNS, results, strict=True):
            want = np.matmul(values[left][0], values[right][1])
            assert got.shape == want.shape and got.dtype == want.dtype
            message = f"{left} @ {right}"
            np.testing.assert_allclose(got, want, rtol=1e-10, atol=1e-10, err_msg=message)


def test_vectors():
    variables, outputs, values, wanted = [], [], [], []
    for batch in ("b", "bc", "b1"):
        for core in (((3, 4), (4,)), ((4,), (4, 5))):
            names = (batch, "") if len(core[1]) == 1 else ("", batch)
            variables += (pair := operands(*names, core=core))
            values += (data := arrays(*names, core=core))
            outputs.append(pt.matmul(*pair))
            wanted.append(np.matmul(*data))
    results = pytensor.function(variables, outputs)(*values)
    for got, want in zip(results, wanted, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-10)


@pytest.mark.parametrize("dtype", ["float32", "complex64", "complex128", "int32", "int8", "bool"])
def test_dtypes(dtype):
    for left, right in (("b", "b"), ("b", ""), ("", "b"), ("b1", "1c"), ("bc", "b1")):
        variables = operands(left, right, dtype)
        values = arrays(left, right, dtype)
        check(
            pt.matmul(*variables),
            calls(rewritten(pt.matmul(*variables))),
            values=dict(zip(variables, values, strict=True)),
        )


@pytest.mark.parametrize("length", [0, 1])
def test_empty_and_short(length):
    for left, right in (("b", "b"), ("b", ""), ("", "b"), ("bc", "bc")):
        variables = operands(left, right)
        out = pt.matmul(*variables)
        check(out, calls(rewritten(out)), length=length)
        gradients = grad((out**2).sum(), variables)
        check(gradients, calls(rewritten(*gradients)), length=length)


@pytest.mark.parametrize(("left", "right"), PATTERNS)
def test_derivatives(left, right):
    variables = operands(left, right)
    values = dict(zip(variables, arrays(left, right), strict=True))
    outputs = grad((pt.matmul(*variables) ** 3).sum(), variables)
    fgraph = rewritten(*outputs)
    assert_same_values(fgraph, outputs, values)
    assert not any("Python" in str(n.op) for n in fgraph.apply_nodes)


class TestWhatBecomesOfThem:
    @pytest.mark.parametrize(
        ("out", "expected"),
        [
            (T @ U, {"BatchedDot": 1}),
            (T @ B, {"batch": 1}),
            (B @ T, {"batch": 1}),
            (T @ x, {"batch": 1}),
            (x @ T, {"batch": 1}),
            (Q @ Q, {"batch": 1}),
            (Q @ T, {"batch": 1}),
            (Q @ B, {"batch": 1}),
            (T + B @ U, {"BatchedGemm": 1}),
            ((T @ U).mT, {"BatchedDot": 1}),
            (Q + (Q @ T).mT, {"BatchedGemm": 1}),
            (x[None, :, None] @ pt.tensor("t1", shape=(None, 1, None)), {}),
        ],
    )
    def test_call(self, out, expected):
        check(out, expected)

    def test_tall_product_for_backends_that_loop(self):
        outputs = [T @ B]
        fgraph = FunctionGraph(outputs=outputs, clone=True, copy_inputs=False)
        in2out(local_batched_matmul_to_core_matmul).rewrite(fgraph)
        assert calls(fgraph) == {"left": 1}
        for length in (0, 1, 4):
            assert_same_values(fgraph, outputs, random_inputs(outputs, length=length))
        for out in (T.mT @ B, T[:, ::2] @ B, B @ T, T @ U):
            fgraph = FunctionGraph(outputs=[out], clone=True, copy_inputs=False)
            in2out(local_batched_matmul_to_core_matmul).rewrite(fgraph)
            assert sum(calls(fgraph).values()) == 1 and "left" not in calls(fgraph)


class TestSumsOverTheBatch:
    @pytest.mark.parametrize(
        ("out", "expected"),
        [
            ((T.mT @ U).sum(0), {"Dot22": 1}),
            ((Q.mT @ Q).sum((0, 1)), {"Dot22": 1}),
            ((T @ B).sum(0), {"Dot22": 1}),
            ((B @ T).sum(0), {"Dot22": 1}),
            ((T.mT @ x).sum(0), {"Gemv": 1}),
            ((T.mT @ y).sum(0) + x, {"Gemv": 1}),
            ((T @ U).sum(), {"Gemv": 1}),
        ],
    )
    def test_one_product(self, out, expected):
        fgraph = check(out, expected)
        assert not any(isinstance(n.op, BatchedDot) for n in fgraph.apply_nodes)
        for length in (0, 1):
            check(out, expected, length=length)

    def test_derivative_of_a_dense_layer(self):
        """The batch of products of the weights' derivative is never formed."""
        outputs = grad(((T @ B + x) ** 2).sum(), [B, x, T])
        fgraph = check(outputs, {"BatchedGemm": 2, "Dot22": 1})
        (product,) = [n for n in fgraph.apply_nodes if isinstance(n.op, Dot22)]
        assert product.outputs[0].type.ndim == 2
        outputs = grad(((T @ x) ** 2).sum(), [x])
        fgraph = check(outputs, {"BatchedGemm": 1, "Gemv": 1})
        assert not any(isinstance(n.op, CheckAndRaise) for n in fgraph.apply_nodes)

    def test_declines(self):
        # An operand would have to be copied.
        check((T @ U).sum(0), {"BatchedDot": 1})
        check(
            (T.mT @ U[:, ::2]).sum(0),
            {"BatchedDot": 1},
            values={T: np.ones((2, 2, 3)), U: np.arange(24.0).reshape(2, 4, 3)},
        )
        check((T @ U.mT).sum(0), {"BatchedDot": 1})
        # Some batch axes stay.
        check((Q.mT @ Q).sum(0), {"batch": 1})
        product = T.mT @ U
        check([product.sum(0), product], {"BatchedDot": 1})
        i = pt.ltensor3("i")
        assert fired((i.mT @ i).sum(0))["local_sum_of_batched_product"] == 0

    def test_batches_that_agree_in_size_only(self):
        """Joined axes of (2, 3) and (3, 2) have one length; the product was an error."""
        out = (T.mT @ U).sum(0)
        f = pytensor.function([T, U], out)
        rng = np.random.default_rng(0)
        with pytest.raises(ValueError, match="must agree on the inner and batch dimensions"):
            f(rng.normal(size=(2, 3, 4)), rng.normal(size=(3, 2, 4)))
        assert f(rng.normal(size=(2, 3, 4)), rng.normal(size=(2, 3, 5))).shape == (4, 5)


def test_outer_products_are_multiplications():
    left, right = pt.tensor("l", shape=(None, None, 1)), pt.tensor("r", shape=(1, 1, None))
    fgraph = check(left @ right, {})
    assert any(isinstance(n.op, Elemwise) for n in fgraph.apply_nodes)
    p = pt.tensor("p", shape=(None, None, 1), dtype="bool")
    assert calls(rewritten(p @ p.mT)) != {}


def test_work_is_linear(count_calls):
    def work(n):
        outputs = []
        for i in range(n):
            t = pt.dtensor3(f"t{i}")
            outputs += [(t.mT @ U).sum(0), t @ U @ x, (t @ U).mT, t @ B]
        return count_calls(lambda: rewritten(*outputs, only=["merge", "BlasOpt"]))

    work(3)
    assert work(80) < 8 * 1.3 * work(10)
