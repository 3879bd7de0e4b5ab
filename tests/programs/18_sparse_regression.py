"""Ridge regression with a sparse design matrix: products, gradients, formats, gradient descent."""

import numpy as np
import scipy.sparse

import pytensor
import pytensor.sparse as ps
import pytensor.tensor as pt

rng = np.random.default_rng(1818)
dense = rng.normal(size=(40, 6)) * (rng.random((40, 6)) < 0.3)
design = scipy.sparse.csr_matrix(dense)
response = dense @ [1.0, -1.0, 0.5, 0.0, 2.0, -0.5] + 0.1 * rng.normal(size=40)

X = ps.csr_matrix("X", dtype="float64")
y, beta = pt.dvectors("y", "beta")
fitted = ps.structured_dot(X, beta[:, None])[:, 0]
loss = ((fitted - y) ** 2).mean() + 0.1 * (beta**2).sum()
f = pytensor.function([X, y, beta], [loss, pytensor.grad(loss, beta)])
at = np.zeros(6)
for k in range(30):
    value, slope = f(design, response, at)
    if k % 10 == 0:
        print(f"step {k} loss {float(value):.9e}")
    at = at - 0.2 * slope
print("beta", " ".join(f"{v:.9e}" for v in at))
gram = ps.true_dot(ps.transpose(X), X)
g = pytensor.function([X], gram)(design)
print("gram", g.format, g.nnz, " ".join(f"{v:.9e}" for v in g.toarray()[0]))
columns = pytensor.function([X], [ps.sp_sum(X, axis=0), ps.sp_sum(X, axis=1)[:4], ps.sp_sum(X)])
for v in columns(design):
    print("sums", " ".join(f"{e:.9e}" for e in np.ravel(v)))
data, indices, indptr, shape = ps.csm_properties(X)
rebuilt = ps.CSR(data * 2, indices, indptr, shape)
total = pt.sum(ps.dense_from_sparse(rebuilt) ** 2)
print(f"rebuilt {float(pytensor.function([X], total)(design)):.9e}")
scaled = ps.row_scale(ps.csc_from_dense(pt.as_tensor(dense)), y)
s = pytensor.function([y], scaled)(response)
print("scaled", s.format, " ".join(f"{v:.9e}" for v in s.toarray()[:, 1][:6]))
grad_y = pytensor.grad(ps.sp_sum(scaled), y)
print(
    "by scale",
    " ".join(
        f"{v:.9e}" for v in pytensor.function([y], grad_y, on_unused_input="ignore")(response)[:6]
    ),
)
