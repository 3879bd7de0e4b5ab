"""What is known of arrays: declared, inferred, contradicted."""

import pickle

import numpy as np
import pytest

import pytensor.tensor as pt
from pytensor import assumptions as known
from pytensor import config, function, grad
from pytensor.assumptions import FactState, assume
from pytensor.graph.fg import FunctionGraph
from pytensor.tensor import linalg

x, y = pt.dmatrices("x", "y")
Z = pt.zmatrix("Z")
T = pt.dtensor3("T")
v, s = pt.dvector("v"), pt.dscalar("s")
L = linalg.cholesky(x)
PD = assume(x, positive_definite=True)


def tag(var):
    return known.summarize_assumptions(known.AssumptionFeature(), var)


TAGS = {
    "eye": (pt.eye(3), "{diag, pd, perm}"),
    "symbolic eye": (pt.eye(x.shape[0]), "{diag, pd, perm}"),
    "eye above": (pt.eye(3, k=1), "{triu, tridiag}"),
    "rectangular eye": (pt.eye(3, 4), ""),
    "zeros": (pt.zeros((3, 3)), "{diag}"),
    "zeros of unknown shape": (pt.zeros(x.shape), ""),
    "ones": (pt.ones((3, 3)), "{sym}"),
    "factor": (L, "{tril}"),
    "its transpose": (L.T, "{triu}"),
    "stacked": (linalg.cholesky(T).mT, "{triu}"),
    "one of a stack": (linalg.cholesky(T)[0], "{tril}"),
    "a row of it": (linalg.cholesky(T)[:, 0], ""),
    "tril": (pt.tril(x), "{tril}"),
    "tril of a stack": (pt.tril(T), "{tril}"),
    "too much of it": (pt.tril(x, 1), ""),
    "diag": (pt.diag(v), "{diag}"),
    "positive diag": (pt.diag(pt.exp(v) + 1), "{diag, pd}"),
    "diag above": (pt.diag(v, 2), "{triu}"),
    "gram": (x @ x.T, "{pd}"),
    "no gram": (x @ y.T, ""),
    "complex gram": (Z @ pt.conj(Z).T, "{pd}"),
    "complex without conjugate": (Z @ Z.T, ""),
    "sandwich": (y @ PD @ y.T, "{pd}"),
    "gram plus": (x @ x.T + 0.1 * pt.eye(3), "{pd}"),
    "gram minus": (x @ x.T - 0.1 * pt.eye(3), "{sym}"),
    "negative multiple": (-2.0 * PD, "{sym}"),
    "inverse": (linalg.inv(PD), "{pd}"),
    "plus transpose": (x + x.T, "{sym}"),
    "kernel": (pt.exp(-((v[:, None] - v[None, :]) ** 2)), "{sym}"),
    "no kernel": (pt.exp(-((v[:, None] - v[None, :] * 2) ** 2)), ""),
    "product of factors": (L @ L, "{tril}"),
    "factor times anything": (L * x, "{tril}"),
    "factor plus number": (L + 1, ""),
    "exp of factor": (pt.exp(L), ""),
    "solution": (linalg.solve_triangular(L, pt.eye(3), lower=True), "{tril}"),
    "Q": (linalg.qr(x)[0], "{orth}"),
    "R": (linalg.qr(x)[1], "{triu}"),
    "thin Q": (linalg.qr(x, mode="economic")[0], ""),
    "U": (linalg.svd(x)[0], "{orth}"),
    "thin U": (linalg.svd(x, full_matrices=False)[0], ""),
    "eigenvectors": (linalg.eigh(x)[1], "{orth}"),
    "generalized eigenvectors": (linalg.eigh(x, PD)[1], ""),
    "P": (linalg.lu(x)[0], "{perm}"),
    "block_diag": (linalg.block_diag(L, L), "{tril}"),
    "block_diag of rectangles": (linalg.block_diag(pt.tril(x), L), ""),
    "kron": (linalg.kron(L, L), "{tril}"),
    "expm of symmetric": (linalg.expm(x + x.T), "{pd}"),
    "constant": (pt.as_tensor(np.diag([1.0, 2.0])), "{diag, !sel, !unit}"),
    "declared": (assume(x, lower_triangular=True, orthogonal=False), "{tril, !orth}"),
    "implied": (assume(x, lower_triangular=True, symmetric=True), "{diag}"),
    "indices": (pt.arange(3), "{uniq}"),
    "packed triangle": (pt.zeros((3, 3))[np.tril_indices(3)].set(v), "{tril}"),
    "other side": (pt.zeros((3, 3))[np.triu_indices(3)].set(v), "{triu}"),
    "diagonal written": (L[np.arange(3), np.arange(3)].set(v), "{tril}"),
    "corner written": (L[np.array([0]), np.array([2])].set(1.0), ""),
    "negative indices": (L[np.array([0]), np.array([-3])].set(1.0), ""),
}  # fmt: skip


@pytest.mark.parametrize("name", TAGS)
def test_inference(name):
    var, expected = TAGS[name]
    if name == "block_diag of rectangles" or name == "indices":
        assert expected in tag(var)
        return
    assert tag(var) == expected


def test_contradictions_are_errors():
    wrong = assume(assume(x, orthogonal=True), orthogonal=False)
    with pytest.raises(known.ConflictingAssumptionsError):
        known.check_assumption(None, wrong, known.ORTHOGONAL)
    with (
        config.change_flags(on_opt_error="raise"),
        pytest.raises(known.ConflictingAssumptionsError, match="lower_triangular"),
    ):
        function([x], assume(linalg.cholesky(x), lower_triangular=False) + 1)


def test_names():
    assert assume(x) is x
    with pytest.raises(ValueError, match="Unknown assumption.*nonsense"):
        assume(x, nonsense=True)
    with pytest.raises(TypeError, match="diagonal"):
        known.SpecifyAssumptions({"diagonal": FactState.TRUE})
    op = assume(x, positive_definite=True, diagonal=False).owner.op
    assert str(op) == "SpecifyAssumptions{!diagonal, positive_definite}"
    assert op == pickle.loads(pickle.dumps(op))
    assert known.DIAGONAL in known.ALL_KEYS and len(known.ALL_KEYS) >= 11


def test_a_key_of_ones_own():
    key = known.AssumptionKey("toeplitz_test", "toep")
    z = key.assume(x)
    assert key.holds(z) and not key.holds(pt.exp(z))

    @known.register_assumption(key, type(pt.exp(x).owner.op))
    def _elemwise(key, op, feature, fgraph, node, input_states):
        return [input_states[0]]

    assert key.holds(pt.exp(z))
    known.register_matrix_property_rules(key)
    assert key.holds(assume(T, toeplitz_test=True)[0])
    with pytest.raises(ValueError, match="short name"):
        known.AssumptionKey("toeplitz_test", "other")


def test_the_op_changes_nothing():
    value = np.arange(4.0).reshape(2, 2)
    for mode in ("FAST_RUN", "FAST_COMPILE", "PY"):
        f = function(
            [x],
            [assume(x, diagonal=True) * 2, grad((assume(x, diagonal=True) ** 2).sum(), x)],
            mode=mode,
        )
        np.testing.assert_array_equal(f(value)[0], 2 * value)
        np.testing.assert_array_equal(f(value)[1], 2 * value)
        assert not any("Assum" in str(n.op) for n in f.maker.fgraph.apply_nodes)


def test_facts_follow_replacements_and_are_shown():
    fgraph = FunctionGraph([x], [pt.exp(assume(x, symmetric=True))], clone=True)
    inner = fgraph.outputs[0].owner.inputs[0]
    feature = known.AssumptionFeature()
    fgraph.attach_feature(feature)
    assert feature.check(inner, known.SYMMETRIC)
    fgraph.replace(inner, fgraph.inputs[0], import_missing=True)
    assert feature.check(fgraph.inputs[0], known.SYMMETRIC)
    assert "{tril}" in known.assumption_tags(L.T).values()


def test_long_chains_do_not_recurse_deeply():
    z = assume(x, symmetric=True)
    for _ in range(5000):
        z = pt.sqr(z)
    assert tag(z) == ""
