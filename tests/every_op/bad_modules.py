"""Wrong programs of the modules: draws, sparse matrices, signals, interpolation, loops, factorizations.

Rows are as in `bad_programs`.
"""

import numpy as np
import scipy.linalg
import scipy.sparse
from bad_programs import IV, I, M, N, S, V, W, eye, i64, ones

import pytensor
import pytensor.sparse as ps
import pytensor.tensor as pt
import pytensor.tensor.linalg as L
from pytensor.tensor.fft import irfft
from pytensor.tensor.signal import convolve1d


def drawn(name, *first, **fields):
    """Draws whose last parameters are the variables."""
    return lambda *p: getattr(pt.random.shared_rng(seed=1), name)(*first, *p, **fields)[1]


def by_numpy(name, *first):
    return lambda *p: getattr(np.random.default_rng(1), name)(*first, *p)


def one(wrong, right=1.0):
    """Vectors of one number as wrong and right values."""
    return (np.array([wrong]),), (np.array([right]),)


def A():
    return ps.csr_matrix("a", dtype="float64")


def B():
    return ps.csr_matrix("b", dtype="float64")


def C():
    return ps.csc_matrix("c", dtype="float64")


def loop(step, sequences=None, outputs_info=None, **fields):
    return pytensor.scan(step, sequences, outputs_info, return_updates=False, **fields)


csr, csc = scipy.sparse.csr_matrix, scipy.sparse.csc_matrix
ZERO = np.float64(0)
DRAWS = [
    ("bernoulli", [V], drawn("bernoulli"), *one(1.5, 0.5), ValueError),
    ("binomial probability", [V], drawn("binomial", 5), *one(1.5, 0.5), by_numpy("binomial", 5)),
    ("binomial count", [I], lambda n: drawn("binomial")(n, 0.5), (-3,), (3,),
     lambda n: np.random.default_rng(1).binomial(n, 0.5)),
    ("normal scale", [V], drawn("normal", 0.0), *one(-1.0), by_numpy("normal", 0)),
    ("normal lengths", [V, W], drawn("normal"), (ones(2), ones(3)), (ones(2),) * 2, by_numpy("normal")),
    ("normal size", [V, I], lambda v, n: drawn("normal", size=(n,))(v, 1.0), (ones(3), 2), (ones(2), 2),
     lambda v, n: np.random.default_rng(1).normal(v, 1.0, n)),
    ("normal negative size", [I], lambda n: drawn("normal", size=(n,))(0.0, 1.0), (-2,), (2,),
     lambda n: np.random.default_rng(1).normal(size=n)),
    ("lognormal", [V], drawn("lognormal", 0.0), *one(-1.0), by_numpy("lognormal", 0)),
    ("gamma", [V], lambda a: drawn("gamma")(a, 1.0), *one(-1.0), by_numpy("gamma")),
    ("poisson", [V], drawn("poisson"), *one(-1.0), by_numpy("poisson")),
    ("exponential", [V], drawn("exponential"), *one(-1.0), by_numpy("exponential")),
    ("beta", [V], drawn("beta", 1.0), *one(-1.0), by_numpy("beta", 1.0)),
    ("geometric", [V], drawn("geometric"), *one(0.0, 0.5), by_numpy("geometric")),
    ("integers", [I], drawn("integers", 0), (0,), (3,), by_numpy("integers", 0)),
    ("uniform", [V], drawn("uniform", 0.0), *one(-1.0), by_numpy("uniform", 0.0)),
    ("laplace", [V], drawn("laplace", 0.0), *one(-1.0), by_numpy("laplace", 0.0)),
    ("wald", [V], drawn("wald", 1.0), *one(-1.0), by_numpy("wald", 1.0)),
    ("vonmises", [V], drawn("vonmises", 0.0), *one(-1.0), by_numpy("vonmises", 0.0)),
    ("triangular", [V], lambda m: drawn("triangular")(0.0, m, 2.0), *one(3.0),
     lambda m: np.random.default_rng(1).triangular(0.0, m, 2.0)),
    ("hypergeometric", [I], drawn("hypergeometric", 3, 4), (9,), (3,), by_numpy("hypergeometric", 3, 4)),
    ("halfnormal", [V], drawn("halfnormal", 0.0), *one(-1.0), ValueError),
    ("cauchy", [V], drawn("cauchy", 0.0), *one(-1.0), ValueError),
    ("t", [V], lambda df: drawn("t")(df, 0.0, 1.0), *one(-1.0), ValueError),
    ("multinomial", [V], drawn("multinomial", 5), (np.array([-0.5, 1.5]),), (ones(2) / 2,),
     by_numpy("multinomial", 5)),
    ("categorical sum", [V], drawn("categorical"), (np.array([0.5, 0.9]),), (ones(2) / 2,), ValueError),
    ("categorical sign", [V], drawn("categorical"), (np.array([-0.5, 1.5]),), (ones(2) / 2,), ValueError),
    ("dirichlet", [V], drawn("dirichlet"), (np.array([-0.5, 1.5]),), (ones(2),), by_numpy("dirichlet")),
    ("multivariate_normal", [V, M], drawn("multivariate_normal"), (ones(2), eye(3)), (ones(2), eye(2)),
     by_numpy("multivariate_normal")),
    ("multivariate_normal shape", [V, M], drawn("multivariate_normal"), (ones(2), ones((2, 3))),
     (ones(2), eye(2)), by_numpy("multivariate_normal")),
    ("multivariate_normal sign", [V, M], drawn("multivariate_normal", method="cholesky"), (ones(2), -eye(2)),
     (ones(2), eye(2)), lambda m, c: np.linalg.cholesky(c)),
    ("choice", [V, I], lambda a, n: drawn("choice", size=(n,), replace=False)(a), (ones(3), 4), (ones(3), 2),
     lambda a, n: np.random.default_rng(1).choice(a, n, replace=False)),
]  # fmt: skip
SPARSE = [
    ("sparse dot", [A, M], ps.dot, (csr(eye(3)), ones((4, 2))), (csr(eye(3)), ones((3, 2))), lambda a, b: a @ b),
    ("structured_dot", [A, M], ps.structured_dot, (csr(eye(3)), ones((4, 2))), (csr(eye(3)), ones((3, 2))),
     lambda a, b: a @ b),
    ("true_dot", [A, B], ps.true_dot, (csr(eye(3)), csr(eye(4))), (csr(eye(3)),) * 2, lambda a, b: a @ b),
    ("sparse add", [A, B], ps.add, (csr(eye(3)), csr(eye(4))), (csr(eye(3)),) * 2, lambda a, b: a + b),
    ("sparse add dense", [A, M], ps.add, (csr(eye(3)), ones((4, 4))), (csr(eye(3)), ones((3, 3))),
     lambda a, b: a + b),
    ("sparse multiply", [A, B], ps.multiply, (csr(eye(3)), csr(eye(4))), (csr(eye(3)),) * 2,
     lambda a, b: a.multiply(b)),
    ("sparse multiply dense", [A, M], ps.multiply, (csr(eye(3)), ones((4, 4))), (csr(eye(3)), ones((3, 3))),
     lambda a, b: a.multiply(b)),
    ("row_scale", [C, V], ps.row_scale, (csc(eye(3)), ones(4)), (csc(eye(3)), ones(3)), ValueError),
    ("col_scale", [C, V], ps.col_scale, (csc(eye(3)), ones(4)), (csc(eye(3)), ones(3)), ValueError),
    ("sparse hstack", [A, B], lambda a, b: ps.hstack([a, b]), (csr(eye(3)), csr(eye(4))), (csr(eye(3)),) * 2,
     lambda a, b: scipy.sparse.hstack([a, b])),
    ("sparse index", [A, I], lambda a, i: a[i, 0], (csr(eye(3)), 5), (csr(eye(3)), 1), lambda a, i: a[i, 0]),
    ("sampling_dot", [M, N, A], ps.sampling_dot, (ones((3, 2)), ones((3, 4)), csr(eye(3))),
     (ones((3, 2)), ones((3, 2)), csr(eye(3))), ValueError),
    ("sparse diag", [A], ps.diag, (csr(ones((2, 3))),), (csr(eye(3)),), ValueError),
]  # fmt: skip
SIGNALS = [
    ("irfft pairs", [lambda: pt.dtensor3("t")], irfft, (ones((2, 4, 3)),), (ones((2, 4, 2)),), ValueError),
    ("convolve1d of nothing", [V, W], convolve1d, (ones(0), ones(3)), (ones(4), ones(3)), np.convolve),
    ("convolve1d stacks", [M, N], convolve1d, (ones((2, 5)), ones((3, 3))), (ones((2, 5)), ones((2, 3))),
     ValueError),
    ("interp", [V, W], lambda xp, fp: pt.interp(0.5, xp, fp), (np.arange(3.0), ones(4)),
     (np.arange(3.0), ones(3)), lambda xp, fp: np.interp(0.5, xp, fp)),
    ("interp of nothing", [V, W], lambda xp, fp: pt.interp(0.5, xp, fp), (ones(0), ones(0)),
     (np.arange(3.0), ones(3)), lambda xp, fp: np.interp(0.5, xp, fp)),
    ("interpolate1d", [V, W], lambda x, y: pt.interpolate1d(x, y)(0.5), (np.arange(3.0), ones(4)),
     (np.arange(3.0), ones(3)), ValueError),
    ("pad width", [V, I], lambda v, i: pt.pad(v, (i, i)), (ones(3), -1), (ones(3), 1), lambda v, i: np.pad(v, i)),
    ("pad nothing", [V, I], lambda v, i: pt.pad(v, (i, i), mode="edge"), (ones(0), 1), (ones(3), 1),
     lambda v, i: np.pad(v, i, mode="edge")),
]  # fmt: skip
LOOPS = [
    ("sequences", [V, W], lambda a, b: loop(lambda x, y, s: s + x * y, [a, b], [ZERO], n_steps=3),
     (ones(2), ones(3)), (ones(3), ones(3)), ValueError),
    ("steps", [V, I], lambda a, n: loop(lambda x, s: s + x, [a], [ZERO], n_steps=n), (ones(2), 5), (ones(5), 5),
     ValueError),
    ("negative steps", [S, I], lambda a, n: loop(lambda s: s + 1, None, [a], n_steps=n), (1.0, -2), (1.0, 3),
     ValueError),
    ("state", [M, V], lambda a, b: loop(lambda x, s: pt.tanh(s + x), [a], [b]), (ones((2, 3)), ones(4)),
     (ones((2, 3)), ones(3)), ValueError),
    ("product", [M, V], lambda a, b: loop(lambda s, a: pt.tanh(a @ s), None, [b], non_sequences=[a], n_steps=3),
     (ones((3, 3)), ones(4)), (ones((3, 3)), ones(3)), ValueError),
    ("initial values", [V, W], lambda a, b: loop(lambda x, s, t: s + t + x, [a], [{"initial": b, "taps": [-3, -1]}]),
     (ones(2), ones(2)), (ones(2), ones(3)), ValueError),
    ("index inside", [V, IV], lambda a, k: loop(lambda i, a: a[i], [k], non_sequences=[a]), (ones(3), i64(0, 5, 0)),
     (ones(3), i64(0, 2, 0)), IndexError),
]  # fmt: skip
FACTORS = [
    # SciPy factorizes these; here factors are of square matrices, and that is said.
    ("lu_factor rectangular", [M], lambda a: L.lu_factor(a)[0], (ones((2, 3)),), (eye(3),), np.linalg.LinAlgError),
    ("lu rectangular", [M], lambda a: L.lu(a)[1], (ones((2, 3)),), (eye(3),), np.linalg.LinAlgError),
    ("lu_solve", [M, V], lambda a, b: L.lu_solve(L.lu_factor(a), b), (eye(3), ones(4)), (eye(3), ones(3)),
     ValueError),
    ("lu_solve transposed", [M, V], lambda a, b: L.lu_solve(L.lu_factor(a), b, trans=True), (eye(3), ones(4)),
     (eye(3), ones(3)), ValueError),
    ("tensorinv", [M], lambda a: L.tensorinv(a, 1), (ones((2, 3)),), (eye(3),), lambda a: np.linalg.tensorinv(a, 1)),
    ("solve tridiagonal", [M, V], lambda a, b: L.solve(a, b, assume_a="tridiagonal"), (eye(3), ones(4)),
     (eye(3), ones(3)), ValueError),
    ("qz", [M, N], lambda a, b: L.qz(a, b)[0], (eye(3), eye(2)), (eye(3), eye(3)), ValueError),
    ("eigh of two", [M, N], lambda a, b: L.eigh(a, b)[0], (eye(3), eye(2)), (eye(3), eye(3)), ValueError),
    ("lstsq", [M, V], lambda a, b: L.lstsq(a, b, -1.0)[0], (ones((3, 2)), ones(4)), (eye(3), ones(3)),
     lambda a, b: np.linalg.lstsq(a, b)),
    ("solve_sylvester", [M, N, lambda: pt.dmatrix("c")], L.solve_sylvester, (eye(3), eye(2), ones((3, 3))),
     (eye(3), eye(2), ones((3, 2))), scipy.linalg.solve_sylvester),
]  # fmt: skip
MODULES = [*DRAWS, *SPARSE, *SIGNALS, *LOOPS, *FACTORS]
