"""Products and solves of small matrices, written out; see `static_ops`."""

from pytensor.link.c.dispatch.basic import c_suffix, value_type
from pytensor.link.c.dispatch.static_ops import write_static
from pytensor.link.c.dispatch.static_values import Array, StaticWriter
from pytensor.tensor._dot import Dot
from pytensor.tensor.blas.batched import BatchedDot
from pytensor.tensor.blas.gemm import Dot22, Dot22Scalar, Gemm
from pytensor.tensor.blas.gemv import Gemv
from pytensor.tensor.blas.ger import Ger

# From so many multiplications on a call of BLAS is faster.
MOST_PRODUCTS = 1728


def _is(x: Array, number: float) -> bool:
    return x.known is not None and x.size == 1 and x.known.ravel()[0] == number


def _one(x: Array) -> str:
    return x.at(*([0] * len(x.shape)))


def contract(
    w: StaticWriter, x: Array, y: Array, alpha: Array | None, z: Array | None, beta: Array | None
) -> Array | None:
    """Write ``alpha * x @ y + beta * z`` of matrices; None if that is work for BLAS."""
    (m, k), (k2, n), dtype = x.shape, y.shape, x.dtype
    if k != k2 or m * n * k > MOST_PRODUCTS or y.dtype != dtype or dtype not in _REAL:
        return None
    shape = (m, n)
    if z is not None and beta is not None and _is(beta, 0):
        z = None
    if z is not None and (z.dtype != dtype or any(a not in (1, b) for a, b in zip(z.shape, shape))):
        return None
    scale = "" if alpha is None or _is(alpha, 1) else f"{_one(alpha)} * "
    w.cost += 0.15 * m * n * k + 0.3 * m * n
    fma = f"pt_fma_{c_suffix(dtype)}"
    if m * n == 1:
        total = w.new_name()
        w.add(f"{value_type(dtype)} {total} = 0;")
        (i,) = w.nest((k,))
        w.add(f"{total} = {fma}({x.at(0, i)}, {y.at(i, 0)}, {total});")
        w.end([i])
        value = f"{scale}{total}"
        if z is not None:
            value += f" + {'' if beta is None or _is(beta, 1) else _one(beta) + ' * '}{z.at(0, 0)}"
        return w.register(dtype, value, shape)
    out = w.local(dtype, shape)
    i, j = w.nest(shape)
    w.add("{")
    w.add(f"{value_type(dtype)} total = 0;")
    (at,) = w.nest((k,))
    w.add(f"total = {fma}({x.at(i, at)}, {y.at(at, j)}, total);")
    w.end([at])
    value = f"{scale}total"
    if z is not None:
        value += f" + {'' if beta is None or _is(beta, 1) else _one(beta) + ' * '}{z.at(i, j)}"
    w.add(f"{out.at(i, j)} = {value};")
    w.add("}")
    w.end([i, j])
    return out


_REAL = ("float64", "float32")


def _row(x: Array) -> Array:
    return x.view((1, *x.shape), (0, *(x.strides or (0,))))


def _column(x: Array) -> Array:
    return x.view((*x.shape, 1), (*(x.strides or (0,)), 0))


def _vector(x: Array | None, axis: int) -> list[Array] | None:
    """Drop an axis of length 1."""
    if x is None:
        return None
    strides = x.strides or (0, 0)
    return [x.view((x.shape[axis],), (strides[axis],))]


def _list(x: Array | None) -> list[Array] | None:
    return None if x is None else [x]


@write_static.register(Dot22)
def _dot22(op, node, inputs, w):
    return None if op.conj else _list(contract(w, *inputs, None, None, None))


@write_static.register(Dot22Scalar)
def _dot22scalar(op, node, inputs, w):
    return None if op.conj else _list(contract(w, *inputs, None, None))


@write_static.register(Gemm)
def _gemm(op, node, inputs, w):
    z, alpha, x, y, beta = inputs
    if op.conj or z.shape != (x.shape[0], y.shape[1]):
        return None
    return _list(contract(w, x, y, alpha, z, beta))


@write_static.register(Gemv)
def _gemv(op, node, inputs, w):
    y, alpha, A, x, beta = inputs
    if op.conj or y.shape != A.shape[:1]:
        return None
    return _vector(contract(w, A, _column(x), alpha, _column(y), beta), 0)


@write_static.register(Ger)
def _ger(op, node, inputs, w):
    A, alpha, x, y = inputs
    if op.conj or A.shape != x.shape + y.shape or A.dtype not in _REAL:
        return None
    if {x.dtype, y.dtype} != {A.dtype}:
        return None
    z = w.local(A.dtype, A.shape)
    w.cost += 0.3 * z.size
    i, j = w.nest(A.shape)
    scaled = x.at(i) if _is(alpha, 1) else f"{_one(alpha)} * {x.at(i)}"
    w.add(f"{z.at(i, j)} = pt_fma_{c_suffix(A.dtype)}({scaled}, {y.at(j)}, {A.at(i, j)});")
    w.end([i, j])
    return [z]


@write_static.register(Dot)
def _dot(op, node, inputs, w):
    x, y = inputs
    ndims = len(x.shape), len(y.shape)
    if ndims == (2, 2):
        return _list(contract(w, x, y, None, None, None))
    if ndims == (2, 1):
        return _vector(contract(w, x, _column(y), None, None, None), 0)
    if ndims == (1, 2):
        return _vector(contract(w, _row(x), y, None, None, None), 1)
    if ndims == (1, 1):
        z = contract(w, _row(x), _column(y), None, None, None)
        return None if z is None else [z.view((), ())]
    return None


@write_static.register(BatchedDot)
def _batched(op, node, inputs, w):
    """A batch of one is a product; others are left to the general loop."""
    x, y = inputs
    if x.shape[0] != 1 or y.shape[0] != 1 or len(x.shape) != 3 or len(y.shape) != 3:
        return None
    parts = [v.view(v.shape[1:], (v.strides or (0, 0, 0))[1:]) for v in (x, y)]
    z = contract(w, *parts, None, None, None)
    return None if z is None else [z.view((1, *z.shape), (0, *(z.strides or (0, 0))))]
