"""Values, compiled functions and derivatives for tests of sparse matrices."""

import numpy as np
import scipy.sparse as sp

import pytensor
from pytensor import sparse
from pytensor.gradient import verify_grad

RNG = np.random.default_rng(5)
FORMATS = ["csr", "csc"]


def value(format="csr", shape=(4, 3), seed=0, dtype="float64"):
    x = sp.random(*shape, 0.5, format=format, random_state=seed)
    return (10 * x).astype(dtype)


def dense(x):
    return x.toarray() if sp.issparse(x) else np.asarray(x)


def compiled(inputs, outputs):
    return [pytensor.function(inputs, outputs, mode=mode) for mode in (None, "PY")]


def built(x):
    """A function of the stored elements of `x` that makes the matrix, for `verify_grad`."""
    maker = sparse.CSM(x.format)
    return lambda data: maker(data, x.indices, x.indptr, x.shape)


def check_gradient(f, *values):
    """Derivatives of a function of sparse values, with respect to what they store."""
    makers = [built(v) if sp.issparse(v) else (lambda d: d) for v in values]
    data = [v.data if sp.issparse(v) else v for v in values]

    def dense_f(*args):
        out = f(*(m(a) for m, a in zip(makers, args, strict=True)))
        if isinstance(out.type, sparse.SparseTensorType):
            return sparse.DenseFromSparse(structured=False)(out)
        return out

    verify_grad(dense_f, data, rng=RNG)
