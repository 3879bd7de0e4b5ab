"""Factorizations and solves of small matrices, written out; see `static_ops` and static_linalg.c."""

from pytensor.link.c.dispatch.basic import C_CODE, Source, c_suffix, value_type
from pytensor.link.c.dispatch.scalar import _defines
from pytensor.link.c.dispatch.static_ops import Arrays, write_static
from pytensor.link.c.dispatch.static_values import Array, StaticWriter
from pytensor.tensor.linalg.decomposition.cholesky import Cholesky
from pytensor.tensor.linalg.inverse import MatrixInverse
from pytensor.tensor.linalg.solvers.general import Solve
from pytensor.tensor.linalg.solvers.psd import CholeskySolve
from pytensor.tensor.linalg.solvers.triangular import SolveTriangular
from pytensor.tensor.linalg.summary import Det, SLogDet

# For larger matrices LAPACK is faster, or will be with a few more rows.
_MOST_ROWS = 12


def _square(x: Array, inputs: Arrays, dtype: str) -> int | None:
    """Return the order of a square matrix; None if this is not for it."""
    if len(x.shape) != 2 or x.shape[0] != x.shape[1] or not 0 < x.shape[0] <= _MOST_ROWS:
        return None
    if dtype not in ("float64", "float32") or any(v.dtype != dtype for v in inputs):
        return None
    return x.shape[0]


def _function(w: StaticWriter, name: str, dtype: str, n: int) -> str:
    """Return the name of a function of static_linalg.c for a dtype."""
    w.sources[Source(C_CODE, "static_linalg.c", _defines(dtype))] = None
    w.cost += n**3 / 3 + 10 * n
    return f"pt_small_{name}_{c_suffix(dtype)}"


def _call(w: StaticWriter, text: str) -> None:
    w.add(f"if (!{text})")
    w.add("    goto unusual;")


def _fresh(w: StaticWriter, x: Array) -> Array:
    """Return a copy in C order, an array also if it has one element."""
    z = w.local(x.dtype, x.shape)
    w.copy_into(z, x)
    return z


def _transposed(x: Array) -> Array:
    strides = x.strides or (0, 0)
    return x.view(x.shape[::-1], strides[::-1])


@write_static.register(Cholesky)
def _cholesky(op, node, inputs, w):
    (x,), dtype = inputs, node.outputs[0].type.dtype
    n = _square(x, inputs, dtype)
    if n is None:
        return None
    function = _function(w, "cholesky", dtype, n)
    given = _fresh(w, x if op.lower else _transposed(x))
    z = w.local(dtype, x.shape)
    _call(w, f"{function}({z.name}, {given.name}, {n})")
    return [z if op.lower else _transposed(z)]


def _rhs(op, node, inputs: Arrays, w: StaticWriter) -> tuple[int, Array, int] | None:
    """Return the order, a copy of the right-hand sides and their number."""
    A, b = inputs
    n = _square(A, inputs, node.outputs[0].type.dtype)
    if n is None or len(b.shape) != op.b_ndim or b.shape[0] != n or b.size == 0:
        return None
    return n, _fresh(w, b), b.size // n


def _triangular(
    w: StaticWriter, A: Array, lower: bool, z: Array, n: int, m: int, unit: int
) -> None:
    function = _function(w, "lower" if lower else "upper", A.dtype, n)
    _call(w, f"{function}({_fresh(w, A).name}, {z.name}, {n}, {m}, {unit})")


@write_static.register(SolveTriangular)
def _solve_triangular(op, node, inputs, w):
    found = _rhs(op, node, inputs, w)
    if found is None:
        return None
    n, z, m = found
    _triangular(w, inputs[0], op.lower, z, n, m, int(op.unit_diagonal))
    return [z]


@write_static.register(CholeskySolve)
def _cholesky_solve(op, node, inputs, w):
    found = _rhs(op, node, inputs, w)
    if found is None:
        return None
    n, z, m = found
    C = inputs[0] if op.lower else _transposed(inputs[0])
    _triangular(w, C, True, z, n, m, 0)
    _triangular(w, _transposed(C), False, z, n, m, 0)
    return [z]


def _eliminate(w: StaticWriter, A: Array, z: Array | None, n: int, m: int) -> tuple[Array, str]:
    """Return the factors of A and the name of the sign of the permutation; z becomes the solution."""
    lu, sign = _fresh(w, A), w.new_name()
    w.add(f"{value_type(A.dtype)} {sign};")
    function = _function(w, "solve", A.dtype, n)
    _call(w, f"{function}({lu.name}, {'NULL' if z is None else z.name}, {n}, {m}, &{sign})")
    return lu, sign


@write_static.register(Solve)
def _solve(op, node, inputs, w):
    if op.assume_a not in ("gen", "pos"):
        return None
    found = _rhs(op, node, inputs, w)
    if found is None:
        return None
    n, z, m = found
    A = inputs[0]
    if op.assume_a == "gen":
        _eliminate(w, A, z, n, m)
        return [z]
    # One triangle is read.
    lower = A if op.lower else _transposed(A)
    factor = w.local(A.dtype, A.shape)
    function = _function(w, "cholesky", A.dtype, n)
    _call(w, f"{function}({factor.name}, {_fresh(w, lower).name}, {n})")
    _triangular(w, factor, True, z, n, m, 0)
    _triangular(w, _transposed(factor), False, z, n, m, 0)
    return [z]


@write_static.register(MatrixInverse)
def _inverse(op, node, inputs, w):
    (x,), dtype = inputs, node.outputs[0].type.dtype
    n = _square(x, inputs, dtype)
    if n is None:
        return None
    z = w.local(dtype, x.shape)
    i, j = w.nest(x.shape) if n > 1 else (0, 0)
    w.add(f"{z.at(i, j)} = {i} == {j};")
    w.end([i, j])
    _eliminate(w, x, z, n, n)
    return [z]


@write_static.register(Det)
def _det(op, node, inputs, w):
    (x,), dtype = inputs, node.outputs[0].type.dtype
    n = _square(x, inputs, dtype)
    if n is None:
        return None
    lu, sign = _eliminate(w, x, None, n, 0)
    return [w.register(dtype, " * ".join([sign, *(f"{lu.name}[{i * (n + 1)}]" for i in range(n))]))]


@write_static.register(SLogDet)
def _slogdet(op, node, inputs, w):
    (x,), dtype = inputs, node.outputs[0].type.dtype
    n = _square(x, inputs, dtype)
    if n is None:
        return None
    lu, sign = _eliminate(w, x, None, n, 0)
    pivots = [f"{lu.name}[{i * (n + 1)}]" for i in range(n)]
    signs = " * ".join([sign, *(f"({p} < 0 ? -1 : 1)" for p in pivots)])
    single = "f" if dtype == "float32" else ""
    logs = " + ".join(f"log{single}(fabs{single}({p}))" for p in pivots)
    return [w.register(dtype, signs), w.register(dtype, logs)]
