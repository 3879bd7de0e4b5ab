"""What the BLAS Ops refuse, when, and in which words; static shapes; in-place forms; names."""

import pickle

import numpy as np
import pytest
from blas_layouts import DTYPES
from ops_cases import CASES, CONJUGATED, PURE, perform, variables

import pytensor
import pytensor.tensor as pt
from pytensor.graph.utils import InconsistencyError
from pytensor.tensor import blas
from pytensor.tensor.blas import (
    BatchedGemm,
    Dot22,
    Dot22Scalar,
    Gemm,
    Gemv,
    Ger,
    Syrk,
    _batched_dot,
    _dot22,
    _dot22scalar,
    batched_gemm_inplace,
    batched_gemm_no_inplace,
    gemm_inplace,
    gemm_no_inplace,
    gemv_inplace,
    gemv_no_inplace,
    ger,
    ger_destructive,
    syrk_inplace,
    syrk_no_inplace,
)
from pytensor.tensor.type import tensor

m, v, s, b = variables(2, 1, 0, 3)
m32, v32, s32, b32 = variables(2, 1, 0, 3, dtype="float32")
mz, vz, sz = variables(2, 1, 0, dtype="complex128")
(mi,) = variables(2, dtype="int64")
(b4,) = variables(4)


@pytest.mark.parametrize(
    "op, inputs, message",
    [
        (
            gemm_no_inplace,
            (m, s, m, v, s),
            r"\[Gemm\] y must be a matrix, got Vector\(float64, sha",
        ),
        (gemm_no_inplace, (v, s, m, m, s), Gemm.E_rank),
        (gemm_no_inplace, (m, s, m, m, m), r"\[Gemm\] beta must be a scalar"),
        (gemm_no_inplace, (m, v, m, m, s), Gemm.E_scalar),
        (gemm_no_inplace, (m, s, m, m32, s), Gemm.E_mixed),
        (gemm_no_inplace, (m32, s, m32, m32, s32), Gemm.E_mixed),
        (gemm_no_inplace, (mi, 1, mi, mi, 0), Gemm.E_float),
        (gemm_no_inplace, (m, 1j, m, m, s), r"alpha must be real for float64 operands, got 1j"),
        (gemm_no_inplace, (m, s, m), "inputs must be z, alpha, x, y, beta, got 3"),
        (Gemm(conj="x"), (m, s, m, m, s), r"\[Gemm\] .* complex dtype with conj='x', got float64"),
        (_dot22, (m, v), r"\[Dot22\] y must be a matrix"),
        (_dot22, (m, m32), r"one dtype, got x float64, y float32"),
        (_dot22, (mi, mi), "floating or complex dtype, got int64"),
        (Dot22("xy"), (m32, m32), r"complex dtype with conj='xy', got float32"),
        (_dot22scalar, (m, m, v), r"\[Dot22Scalar\] alpha must be a scalar"),
        (_dot22scalar, (m32, m32, s), "one dtype"),
        (Dot22Scalar("y"), (m, m, s), "complex dtype"),
        (gemv_no_inplace, (v, s, v, v, s), r"\[Gemv\] A must be a matrix"),
        (gemv_no_inplace, (m, s, m, v, s), r"\[Gemv\] y must be a vector"),
        (gemv_no_inplace, (v, s, m, m, s), r"\[Gemv\] x must be a vector"),
        (gemv_no_inplace, (v, v, m, v, s), r"\[Gemv\] alpha must be a scalar"),
        (gemv_no_inplace, (v, s, m, v, v), r"\[Gemv\] beta must be a scalar"),
        (gemv_no_inplace, (v, sz, m, v, s), r"\[Gemv\] alpha must be real for float64"),
        (gemv_no_inplace, (v32, s, m, v, s), r"\[Gemv\] operands must have one dtype"),
        (Gemv(conj="A"), (v, s, m, v, s), "complex dtype"),
        (ger, (v, s, v, v), r"\[Ger\] A must be a matrix"),
        (ger, (m, v, v, v), r"\[Ger\] alpha must be a scalar"),
        (ger, (m, s, m, v), r"\[Ger\] x must be a vector"),
        (ger, (m32, s, v32, v32), r"\[Ger\] operands must have one dtype"),
        (Ger(conj="y"), (m, s, v, v), "complex dtype"),
        (syrk_no_inplace, (m, s, v, s), r"\[Syrk\] x must be a matrix"),
        (syrk_no_inplace, (v, s, m, s), r"\[Syrk\] z must be a matrix"),
        (syrk_no_inplace, (m, m, m, s), r"\[Syrk\] alpha must be a scalar"),
        (syrk_no_inplace, (m, s, m, v), r"\[Syrk\] beta must be a scalar"),
        (syrk_no_inplace, (m, s, m32, s), r"\[Syrk\] operands must have one dtype"),
        (syrk_no_inplace, (mi, 1, mi, 1), r"\[Syrk\] .* floating or complex"),
        (Syrk(hermitian=True), (m, s, m, s), r"complex dtype with hermitian=True, got float64"),
        (_batched_dot, (m, b), r"\[BatchedDot\] .* 3 axes"),
        (batched_gemm_no_inplace, (b, s, b, b4, s), r"\[BatchedGemm\] z, x and y .* equally many"),
        (batched_gemm_no_inplace, (m, s, m, m, s), r"3 or more"),
        (batched_gemm_no_inplace, (b, v, b, b, s), r"\[BatchedGemm\] alpha must be a scalar"),
        (batched_gemm_no_inplace, (b, s, b32, b, s), r"\[BatchedGemm\] .* one dtype"),
    ],
)
def test_ranks_and_dtypes_are_checked(op, inputs, message):
    with pytest.raises(TypeError, match=message):
        op(*inputs)


def test_conj_names_operands():
    for make, allowed in [
        (lambda c: Gemm(conj=c), "'', 'x', 'y', 'xy'"),
        (lambda c: Gemv(conj=c), "'', 'A'"),
        (lambda c: Ger(conj=c), "'', 'x', 'y'"),
    ]:
        with pytest.raises(ValueError, match=f"conj must be one of {allowed}, got 'yx'"):
            make("yx")


def test_python_numbers_take_the_operands_dtype():
    for dtype in (np.dtype(t).name for t in DTYPES.values()):
        a, x, z, t = variables(2, 1, 2, 3, dtype=dtype)
        assert gemm_no_inplace(z, 1.0, a, a, 2).owner.inputs[4].type.dtype == dtype
        assert _dot22scalar(a, a, 0.5).type.dtype == dtype
        assert ger(a, 1, x, x).type.dtype == dtype
        assert syrk_no_inplace(z, 2, a, 1.5).type.dtype == dtype
        assert batched_gemm_no_inplace(t, 2, t, t, 1.5).type.dtype == dtype
    assert gemv_no_inplace(v32, s, m32, v32, 1.0).type.dtype == "float32"


# -- lengths -------------------------------------------------------------------------------


def known(*shape, dtype="float64"):
    return tensor(dtype=dtype, shape=shape)


x45, x53 = known(4, 5), known(5, 3)


def test_static_shapes():
    assert gemm_no_inplace(known(None, 3), 1.0, x45, x53, 0.0).type.shape == (4, 3)
    assert gemm_no_inplace(known(1, 3), 1.0, x45, x53, 0.0).type.shape == (4, 3)
    assert _dot22(x45, x53).type.shape == (4, 3)
    assert _dot22scalar(x45, m, 0.5).type.shape == (4, None)
    assert gemv_no_inplace(known(None), 1.0, x45, known(5), 0.0).type.shape == (4,)
    assert ger(known(4, None), 1.0, known(None), known(7)).type.shape == (4, 7)
    assert syrk_no_inplace(m, 1.0, x45, 0.0).type.shape == (4, 4)
    assert syrk_no_inplace(known(1, 1), 1.0, x45.T, 0.0).type.shape == (5, 5)
    assert _batched_dot(known(None, 4, 5), known(2, 5, 3)).type.shape == (2, 4, 3)
    batched = batched_gemm_no_inplace(
        known(1, 1, 1, 3), 1.0, known(6, 1, 4, 5), known(1, None, 5, 3), 0.0
    )
    assert batched.type.shape == (6, None, 4, 3)
    unknown = batched_gemm_no_inplace(b, 1.0, known(None, 4, 5), known(2, 5, 3), 0.0)
    assert unknown.type.shape == (2, 4, 3)


@pytest.mark.parametrize(
    "make, message",
    [
        (
            lambda: gemm_no_inplace(m, 1.0, x45, x45, 0.0),
            r"\[Gemm\] x and y must agree on the inner dimension \(shapes not aligned\), "
            r"got x \(4, 5\) and y \(4, 5\)",
        ),
        (
            lambda: gemm_no_inplace(known(2, 3), 1.0, x45, x53, 0.0),
            r"\[Gemm\] z must have the shape of the product or lengths of 1 \(shapes not aligned\), "
            r"got z \(2, 3\) for the product's \(4, 3\)",
        ),
        (
            lambda: gemm_inplace(known(1, 3), 1.0, x45, x53, 0.0),
            r"\[Gemm\] z must have the shape of the product \(shapes not aligned\)",
        ),
        (lambda: _dot22(x45, known(4, None)), r"\[Dot22\] x and y .* y \(4, \?\)"),
        (lambda: _dot22scalar(x45, x45, 1.0), r"\[Dot22Scalar\] x and y must agree on the inner"),
        (
            lambda: gemv_no_inplace(known(4), 1.0, x45, known(4), 0.0),
            r"\[Gemv\] A and x must agree on the inner dimension .* A \(4, 5\) and x \(4,\)",
        ),
        (lambda: gemv_no_inplace(known(3), 1.0, x45, known(5), 0.0), r"\[Gemv\] y must have the"),
        (lambda: gemv_inplace(known(1), 1.0, x45, known(5), 0.0), r"\[Gemv\] y must have the"),
        (
            lambda: ger(known(4, 5), 1.0, known(5), known(5)),
            r"\[Ger\] A and x must agree on the number of rows .* A \(4, 5\) and x \(5,\)",
        ),
        (
            lambda: ger(known(4, 5), 1.0, known(4), known(4)),
            r"\[Ger\] A and y must agree on the number of columns .* A \(4, 5\) and y \(4,\)",
        ),
        (lambda: syrk_no_inplace(known(5, 5), 1.0, x45, 0.0), r"\[Syrk\] z .* product's \(4, 4\)"),
        (lambda: syrk_inplace(known(1, 4), 1.0, x45, 0.0), r"\[Syrk\] z must have the shape of th"),
        (
            lambda: _batched_dot(known(1, 4, 5), known(2, 5, 3)),
            r"\[BatchedDot\] x and y must agree on the batch length",
        ),
        (lambda: _batched_dot(known(2, 4, 5), known(2, 4, 3)), "agree on the inner dimension"),
        (
            lambda: batched_gemm_no_inplace(b, 1.0, known(3, 4, 5), known(2, 5, 3), 0.0),
            r"\[BatchedGemm\] x and y must agree on the batch axes, or have lengths known to be 1",
        ),
        (
            lambda: batched_gemm_no_inplace(known(2, 4, 4), 1.0, known(2, 4, 5), known(2, 5, 3), 0),
            r"\[BatchedGemm\] z must have the shape of the product",
        ),
        (
            lambda: batched_gemm_inplace(known(1, 4, 3), 1.0, known(2, 4, 5), known(2, 5, 3), 0.0),
            r"\[BatchedGemm\] z must have the shape of the product",
        ),
    ],
)
def test_static_contradictions(make, message):
    with pytest.raises(ValueError, match=message):
        make()


# Rows of x and columns of y are free where there is no accumulator.
FREE = {
    "dot22": {(0, 0), (1, 1)},
    "dot22scalar": {(0, 0), (1, 1)},
    "batched_dot": {(0, 1), (1, 2)},
    "syrk": {(2, 1)},
    "syrk inplace": {(2, 1)},
}


@pytest.mark.parametrize("name", CASES)
def test_lengths_are_checked_when_run(name):
    op, shapes, _ = CASES[name]
    for i, shape in enumerate(shapes):
        for axis in range(len(shape)):
            wrong = [list(one) for one in shapes]
            wrong[i][axis] += 2
            if (i, axis) in FREE.get(name, ()):
                perform(op, *[np.ones(one) for one in wrong])
                continue
            with pytest.raises(ValueError, match=r"must .*\(shapes not aligned\), got \w+ [(]"):
                perform(op, *[np.ones(one) for one in wrong])


@pytest.mark.parametrize("name", PURE)
def test_the_same_mistake_has_the_same_words_in_c(name):
    op, shapes, _ = PURE[name]
    inputs = variables(*map(len, shapes))
    functions = [pytensor.function(inputs, op(*inputs), mode=mode) for mode in ("CVM", "PY")]
    for i, shape in enumerate(shapes):
        for axis in range(len(shape)):
            if (i, axis) in FREE.get(name, ()):
                continue
            wrong = [list(one) for one in shapes]
            wrong[i][axis] += 2
            said = []
            for function in functions:
                with pytest.raises(ValueError, match="not aligned") as raised:
                    function(*[np.ones(one) for one in wrong])
                said.append(str(raised.value).splitlines()[0])
            assert said[0] == said[1]


def test_a_batch_length_of_one_that_is_not_known_does_not_broadcast():
    batches = [np.ones(shape) for shape in ((2, 3, 5), (1, 3, 4), (2, 4, 5))]
    z, x, y = batches
    one = np.ones(())
    for op, values in [
        (_batched_dot, (x, y)),
        (batched_gemm_no_inplace, (z, one, x, y, one)),
        (batched_gemm_no_inplace, (z[:1], one, x.repeat(2, 0), y, one)),
    ]:
        node = op.make_node(*variables(*map(np.ndim, values)))
        with pytest.raises(ValueError, match="aligned"):
            op.perform(node, list(values), [[None]])


# -- in-place forms and names ----------------------------------------------------------------

FORMS = [
    (gemm_inplace, gemm_no_inplace, (m, s, m, m, s), [(m, s, m.T, variables(2)[0], s)]),
    (gemv_inplace, gemv_no_inplace, (v, s, m, v, s), [(m[0], s, m, v, s)]),
    (ger_destructive, ger, (m, s, m[0], v), [(m, s, v, m[:, 0])]),
    (syrk_inplace, syrk_no_inplace, (m, s, m, s), [(m, s, m.T, s), (m[:3], s, m[3:].T, s)]),
    (
        batched_gemm_inplace,
        batched_gemm_no_inplace,
        (b, s, b, b, s),
        [(b, s, variables(3)[0], b.dimshuffle(0, 2, 1), s)],
    ),
    (Gemm(True, "x"), Gemm(conj="x"), (mz, sz, mz, mz, sz), []),
    (Gemv(True, "A"), Gemv(conj="A"), (vz, sz, mz, vz, sz), []),
    (Ger(True, "y"), Ger(conj="y"), (mz, sz, mz[1], vz), []),
    (Syrk(True, True), Syrk(hermitian=True), (mz, sz, mz, sz), []),
]


@pytest.mark.parametrize("inplace, plain, aliased, views", FORMS)
def test_inplace_forms(inplace, plain, aliased, views):
    assert inplace.destroy_map == {0: [0]}
    assert plain.destroy_map == {}
    assert plain.inplace_on_inputs([0]) == inplace
    assert plain.inplace_on_inputs([1]) == plain
    assert inplace.inplace_on_inputs([0]) == inplace
    assert inplace != plain
    for inputs in (aliased, *views):
        with pytest.raises(InconsistencyError, match=Gemm.E_z_uniq):
            inplace(*inputs)
        plain(*inputs)
    for op in (inplace, plain):
        assert type(op)(**op._props_dict()) == op
        again = pickle.loads(pickle.dumps(op))
        assert (again, hash(again), again.destroy_map) == (op, hash(op), op.destroy_map)


def test_products_without_an_accumulator_have_one_form():
    for op in (_dot22, _dot22scalar, Dot22("x")):
        assert op.inplace_on_inputs([0, 1]) == op
        assert op.destroy_map == {}
        assert type(op)(**op._props_dict()) == op


def test_older_ways_to_make_them():
    assert Gemm(True) == gemm_inplace == Gemm(inplace=True)
    assert Gemv(False) == gemv_no_inplace
    assert Ger(True) == ger_destructive == Ger(inplace=True) == Ger(destructive=True)
    assert Ger(inplace=True).destructive
    assert Dot22() == _dot22
    assert Dot22("x") != _dot22


def test_names_of_ops():
    for op, name in [
        (gemm_inplace, "Gemm{inplace}"),
        (Gemm(conj="xy"), "Gemm{no_inplace, conj=xy}"),
        (_dot22, "Dot22"),
        (Dot22("x"), "Dot22{conj=x}"),
        (_dot22scalar, "Dot22Scalar"),
        (gemv_no_inplace, "Gemv{no_inplace}"),
        (ger, "Ger{non-destructive}"),
        (Ger(True, "y"), "Ger{destructive, conj=y}"),
        (syrk_inplace, "Syrk{inplace}"),
        (Syrk(hermitian=True), "Syrk{no_inplace, hermitian}"),
        (batched_gemm_inplace, "BatchedGemm{inplace}"),
        (_batched_dot, "BatchedDot"),
    ]:
        assert str(op) == name


def test_public_names():
    from pytensor.tensor.blas.blas_c import CGemv, CGer, must_initialize_y_gemv

    assert CGemv is Gemv
    assert CGer is Ger
    assert must_initialize_y_gemv() is False
    assert blas.gemm == gemm_no_inplace
    assert blas.gemv == gemv_no_inplace
    assert "dgemm" in blas.blas_header_text() or "gemm_fn" in blas.blas_header_text()
    for name in (
        "GemmRelated",
        "cgemv_inplace",
        "cgemv_no_inplace",
        "ldflags",
        "must_initialize_y_gemv_c",
        "view_roots",
        "BaseBLAS",
        "blas_header_version",
        "batched_dot",
        "batched_tensordot",
        "syrk",
        "batched_gemm",
    ):
        assert hasattr(blas, name), name
    assert pt.dot is not None


def test_every_conjugated_form_is_another_op():
    ops = [op for op, _, _ in (CASES | CONJUGATED).values()]
    assert len(set(ops)) == len(ops)
    assert BatchedGemm() == batched_gemm_no_inplace
