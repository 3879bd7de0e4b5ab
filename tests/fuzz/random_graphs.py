"""Random array programs, built as a graph and evaluated with NumPy side by side.

A program starts from a few input arrays and applies random operations to what it has. Each
operation is a function `(rng, pool) -> Term | None`; it looks at values to stay away from places
where rounding decides the answer (a comparison of nearly equal numbers, floor near an integer,
overflow), so that every backend must agree up to rounding.
"""

from dataclasses import dataclass, field

import numpy as np
import scipy.special
from layouts import LAYOUTS, random_layout

import pytensor.tensor as pt

FLOATS = ("float32", "float64")
INTS = ("int8", "int16", "int32", "int64", "uint8")
COMPLEX = ("complex64", "complex128")
LENGTHS = (1, 2, 3, 3, 4, 5)


@dataclass
class Term:
    """A variable, its value by NumPy, how it was written, and its size of rounding error."""

    var: object
    value: np.ndarray
    text: str

    @property
    def kind(self):
        return self.value.dtype.kind

    @property
    def ndim(self):
        return self.value.ndim


@dataclass
class Program:
    """Inputs, their values, and everything computed from them."""

    inputs: list = field(default_factory=list)
    values: list = field(default_factory=list)
    pool: list = field(default_factory=list)
    lines: list = field(default_factory=list)

    def add(self, term):
        name = f"t{len(self.lines)}"
        self.lines.append(f"{name} = {term.text}  # {term.var.type}, {term.value.shape}")
        term.text = name
        self.pool.append(term)

    def __str__(self):
        return "\n".join(self.lines)


# ---- choosing operands -----------------------------------------------------------------


def pick(rng, pool, kinds="fiubc", ndim=None, nonempty=False):
    """A random term of the pool with one of these dtype kinds; later terms are likelier."""
    fits = [
        t
        for t in pool
        if t.kind in kinds
        and (ndim is None or t.ndim in np.atleast_1d(ndim))
        and (not nonempty or t.value.size)
    ]
    if not fits:
        return None
    weights = np.arange(1, len(fits) + 1, dtype=float)
    return fits[rng.choice(len(fits), p=weights / weights.sum())]


def pick_broadcastable(rng, pool, terms, kinds):
    """A term that broadcasts against each of `terms`, where the graph knows it or the lengths are equal.

    A length of 1 that is not static does not broadcast at run time, so only static ones count.
    """

    def lengths_agree(term, other):
        for a, b, sa, sb in zip(
            term.value.shape[::-1],
            other.value.shape[::-1],
            term.var.type.shape[::-1],
            other.var.type.shape[::-1],
        ):
            if a != b and not (a == 1 and sa == 1) and not (b == 1 and sb == 1):
                return False
        return True

    fits = [t for t in pool if all(lengths_agree(term, t) for term in terms)]
    return pick(rng, fits, kinds)


def sane(value):
    """Finite, and neither huge nor of a size where rounding would dominate."""
    if value.dtype.kind in "fc":
        return bool(np.all(np.isfinite(value))) and bool(np.all(np.abs(value) < 1e4))
    return True


def far_from_integers(value, gap=1e-2):
    return value.dtype.kind != "f" or bool(np.all(np.abs(value - np.round(value)) > gap))


def distinct(a, b, gap=1e-2):
    return bool(np.all(np.abs(np.subtract(a, b, dtype=np.float64)) > gap))


def result(var, value, text):
    """A Term with NumPy's value in the dtype the graph declares; None if the value is no use."""
    value = np.asarray(value)
    if not sane(value):
        return None
    return Term(var, value.astype(var.type.dtype), text)


# ---- operations ------------------------------------------------------------------------

UNARY = {
    "exp": ("f", np.exp, lambda v: np.all(np.abs(v) < 5)),
    "log": ("f", np.log, lambda v: np.all(v > 0.05)),
    "sqrt": ("f", np.sqrt, lambda v: np.all(v > 0.05)),
    "tanh": ("fc", np.tanh, lambda v: np.all(np.abs(v) < 1)),
    "sin": ("fc", np.sin, lambda v: np.all(np.abs(v) < 5)),
    "cos": ("f", np.cos, lambda v: np.all(np.abs(v) < 100)),
    "sigmoid": ("f", scipy.special.expit, None),
    "softplus": ("f", lambda v: np.logaddexp(0, v), None),
    "log1p": ("f", np.log1p, lambda v: np.all(v > -0.9)),
    "expm1": ("f", np.expm1, lambda v: np.all(np.abs(v) < 5)),
    "erf": ("f", scipy.special.erf, None),
    "gammaln": ("f", scipy.special.gammaln, lambda v: np.all(v > 0.1)),
    "arctan": ("f", np.arctan, None),
    "abs": ("fcib", np.abs, lambda v: v.dtype.kind != "b"),
    "neg": ("fci", np.negative, None),
    "sqr": ("fciu", lambda v: v * v, None),
    "sign": ("fi", np.sign, lambda v: np.all(np.abs(v) > 1e-2)),
    "floor": ("f", np.floor, far_from_integers),
    "ceil": ("f", np.ceil, far_from_integers),
    "reciprocal": ("f", np.reciprocal, lambda v: np.all(np.abs(v) > 0.05)),
    "conj": ("cf", np.conj, None),
    "real": ("c", np.real, None),
    "imag": ("c", np.imag, None),
    "invert": ("iub", np.invert, None),
    "isnan": ("f", np.isnan, None),
}


def unary(rng, pool):
    name = rng.choice(list(UNARY))
    kinds, evaluate, allowed = UNARY[name]
    x = pick(rng, pool, kinds)
    if x is None or (allowed is not None and not allowed(x.value)):
        return None
    return result(getattr(pt, name)(x.var), evaluate(x.value), f"{name}({x.text})")


def _nonzero(a, b):
    return bool(np.all(np.abs(b.astype(complex)) > 0.05))


def _div_safe(a, b):
    if not _nonzero(a, b):
        return False
    if a.dtype.kind in "iub" and b.dtype.kind in "iub":
        return True
    return far_from_integers(np.true_divide(a, b))


def _off_the_cut(a, b):
    """Of arctan2: on its cut the sign of a zero decides, and rewrites do not keep it."""
    return _nonzero(a, a) and _nonzero(a, b)


BINARY = {
    "add": ("fciub", np.add, None),
    "sub": ("fciu", np.subtract, None),
    "mul": ("fciub", np.multiply, None),
    "true_div": ("fc", np.true_divide, _nonzero),
    "floor_div": ("fiu", np.floor_divide, _div_safe),
    "mod": ("fiu", np.mod, _div_safe),
    "maximum": ("fiu", np.maximum, distinct),
    "minimum": ("fiu", np.minimum, distinct),
    "lt": ("fiu", np.less, distinct),
    "ge": ("fiu", np.greater_equal, distinct),
    "eq": ("iub", np.equal, None),
    "neq": ("iub", np.not_equal, None),
    "and_": ("iub", np.bitwise_and, lambda a, b: np.result_type(a, b).kind != "f"),
    "xor": ("iub", np.bitwise_xor, lambda a, b: np.result_type(a, b).kind != "f"),
    "arctan2": ("f", np.arctan2, _off_the_cut),
    "logaddexp": ("f", np.logaddexp, None),
}


def binary(rng, pool):
    name = rng.choice(list(BINARY))
    kinds, evaluate, allowed = BINARY[name]
    x = pick(rng, pool, kinds)
    y = x and pick_broadcastable(rng, pool, [x], kinds)
    if y is None or (allowed is not None and not allowed(x.value, y.value)):
        return None
    var = getattr(pt, name)(x.var, y.var)
    dtype = np.dtype(var.type.dtype)
    a, b = x.value, y.value
    if dtype.kind in "iu" or name in ("true_div",):
        a, b = a.astype(dtype), b.astype(dtype)
    return result(var, evaluate(a, b), f"{name}({x.text}, {y.text})")


def scalar_mix(rng, pool):
    """A Python number beside a term: it must not widen the dtype."""
    x = pick(rng, pool, "fc")
    if x is None:
        return None
    number = [2, 0.5, -1, 1, 0, -0.25, 3.0][int(rng.integers(7))]
    name = ["add", "sub", "mul", "rsub"][int(rng.integers(4))]
    build = {
        "add": lambda a: a + number,
        "sub": lambda a: a - number,
        "mul": lambda a: number * a,
        "rsub": lambda a: number - a,
    }[name]
    return result(build(x.var), build(x.value), f"{name}({x.text}, {number})")


def power(rng, pool):
    x = pick(rng, pool, "f")
    n = [2, 3, -1, 0.5, -0.5, 1, 0, -2][int(rng.integers(8))]
    if x is None or not np.all(x.value > 0.05):
        return None
    return result(x.var**n, x.value**n, f"{x.text} ** {n}")


def switch(rng, pool):
    c = pick(rng, pool, "b")
    x = c and pick_broadcastable(rng, pool, [c], "fiu")
    y = x and pick_broadcastable(rng, pool, [c, x], "fiu")
    if y is None:
        return None
    var, value = pt.switch(c.var, x.var, y.var), np.where(c.value, x.value, y.value)
    return result(var, value, f"switch({c.text}, {x.text}, {y.text})")


def cast(rng, pool):
    x = pick(rng, pool, "fiub")
    if x is None:
        return None
    target = str(rng.choice(FLOATS + INTS + ("bool",)))
    if x.kind == "f" and target in INTS:
        info = np.iinfo(target)
        if not far_from_integers(x.value) or not np.all(
            (x.value > info.min) & (x.value < info.max)
        ):
            return None
    if x.kind == "f" and target == "bool" and not np.all(np.abs(x.value) > 1e-3):
        return None
    return result(pt.cast(x.var, target), x.value.astype(target), f"cast({x.text}, {target})")


def dimshuffle(rng, pool):
    x = pick(rng, pool)
    order = list(rng.permutation(x.ndim))
    if rng.random() < 0.5 and len(order) < 4:
        order.insert(int(rng.integers(len(order) + 1)), "x")
    static_ones = [i for i, s in enumerate(x.var.type.shape) if s == 1]
    if static_ones and rng.random() < 0.3:
        order.remove(static_ones[0])
    order = [o if o == "x" else int(o) for o in order]
    kept = [o for o in order if o != "x"]
    dropped = tuple(i for i in range(x.ndim) if i not in kept)
    value = x.value.squeeze(dropped) if dropped else x.value
    rank = {o: sum(k < o for k in kept) for o in kept}
    value = value.transpose([rank[o] for o in kept])
    for i, o in enumerate(order):
        if o == "x":
            value = np.expand_dims(value, i)
    return result(x.var.dimshuffle(*order), value, f"{x.text}.dimshuffle({order})")


REDUCTIONS = {
    "sum": ("fcib", np.sum, False),
    "prod": ("f", np.prod, False),
    "mean": ("f", np.mean, True),
    "max": ("fiu", np.max, True),
    "min": ("fiu", np.min, True),
    "any": ("b", np.any, False),
    "all": ("b", np.all, False),
    "var": ("f", np.var, True),
}


def random_axes(rng, ndim):
    if ndim == 0 or rng.random() < 0.3:
        return None
    count = int(rng.integers(1, ndim + 1))
    axes = tuple(int(a) for a in rng.choice(ndim, size=count, replace=False))
    return axes[0] if count == 1 and rng.random() < 0.5 else axes


def reduction(rng, pool):
    name = rng.choice(list(REDUCTIONS))
    kinds, evaluate, nonempty = REDUCTIONS[name]
    x = pick(rng, pool, kinds, nonempty=nonempty)
    if x is None:
        return None
    axis = random_axes(rng, x.ndim)
    keepdims = bool(rng.random() < 0.4)
    if name in ("max", "min") and x.kind == "f":
        near = np.abs(x.value - evaluate(x.value, axis=axis, keepdims=True)) < 1e-2
        if np.any(near.sum(axis=axis) > 1):  # no derivative where several are largest
            return None
    var = getattr(pt, name)(x.var, axis=axis, keepdims=keepdims)
    value = evaluate(x.value, axis=axis, keepdims=keepdims)
    return result(var, value, f"{name}({x.text}, axis={axis}, keepdims={keepdims})")


def arg_or_sort(rng, pool):
    x = pick(rng, pool, "f", ndim=(1, 2, 3), nonempty=True)
    if x is None:
        return None
    axis = int(rng.integers(x.ndim))
    ordered = np.sort(x.value, axis=axis)
    if not np.all(np.diff(ordered, axis=axis) > 1e-2):
        return None
    name = ["argmax", "argmin", "sort", "argsort"][int(rng.integers(4))]
    return result(
        getattr(pt, name)(x.var, axis=axis),
        getattr(np, name)(x.value, axis=axis),
        f"{name}({x.text}, axis={axis})",
    )


def cumulative(rng, pool):
    x = pick(rng, pool, "fi", ndim=(1, 2, 3))
    if x is None:
        return None
    axis = int(rng.integers(x.ndim))
    return result(
        pt.cumsum(x.var, axis=axis), np.cumsum(x.value, axis=axis), f"cumsum({x.text}, {axis})"
    )


def softmax(rng, pool):
    x = pick(rng, pool, "f", ndim=(1, 2, 3), nonempty=True)
    if x is None or not np.all(np.abs(x.value) < 50):
        return None
    axis = int(rng.integers(x.ndim))
    name = ["softmax", "log_softmax", "logsumexp"][int(rng.integers(3))]
    function = pt.logsumexp if name == "logsumexp" else getattr(pt.special, name)
    return result(
        function(x.var, axis=axis),
        getattr(scipy.special, name)(x.value, axis=axis),
        f"{name}({x.text}, axis={axis})",
    )


def product(rng, pool):
    """`dot` or `matmul` of what fits, transposing the second operand where that helps."""
    x = pick(rng, pool, "fci", ndim=(1, 2, 3))
    if x is None:
        return None
    y = pick(rng, pool, x.kind, ndim=(1, 2) if x.ndim < 3 else (1, 2, 3))
    if y is None:
        return None
    yvar, yval, ytext = y.var, y.value, y.text
    if y.ndim >= 2 and rng.random() < 0.6:
        yvar, yval, ytext = yvar.mT, np.swapaxes(yval, -1, -2), f"{y.text}.mT"
    try:
        value = np.matmul(x.value, yval)
    except ValueError:
        return None
    if x.ndim == 3 and y.ndim == 3 and x.value.shape[0] != y.value.shape[0]:
        return None
    return result(pt.matmul(x.var, yvar), value, f"matmul({x.text}, {ytext})")


def scaled_product(rng, pool):
    """beta * Z + alpha * X @ Y: what the BLAS rules look for."""
    x = pick(rng, pool, "f", ndim=2)
    z = x and pick(rng, [t for t in pool if t.value.dtype == x.value.dtype], "f", ndim=2)
    if z is None:
        return None
    alpha, beta = rng.choice([1.0, -1.0, 0.5, 2.0, 0.0], size=2)
    candidates = [(t.var, t.value, t.text) for t in pool if t.ndim == 2 and t.kind == "f"]
    candidates += [(v.T, a.T, f"{s}.T") for v, a, s in candidates]
    for i in rng.permutation(len(candidates)):
        yvar, yval, ytext = candidates[i]
        if yval.shape[0] != x.value.shape[1] or (len(x.value), yval.shape[1]) != z.value.shape:
            continue
        if yval.dtype != x.value.dtype:
            continue
        var = beta * z.var + alpha * pt.dot(x.var, yvar)
        value = beta * z.value + alpha * (x.value @ yval)
        return result(var, value, f"{beta} * {z.text} + {alpha} * {x.text} @ {ytext}")
    return None


def outer_update(rng, pool):
    x, y = pick(rng, pool, "f", ndim=1), pick(rng, pool, "f", ndim=1)
    if x is None or y is None:
        return None
    var, value, text = pt.outer(x.var, y.var), np.outer(x.value, y.value), f"{x.text}, {y.text}"
    z = pick(rng, [t for t in pool if t.value.shape == value.shape], "f", ndim=2)
    if z is None:
        return result(var, value, f"outer({text})")
    return result(z.var - 0.5 * var, z.value - 0.5 * value, f"{z.text} - 0.5 * outer({text})")


def random_slice(rng, n):
    start = None if rng.random() < 0.3 else int(rng.integers(-n - 1, n + 2))
    stop = None if rng.random() < 0.3 else int(rng.integers(-n - 1, n + 2))
    step = [None, 1, 2, -1, -2][int(rng.integers(5))]
    return slice(start, stop, step)


def random_index(rng, shape, advanced=True):
    """A tuple for `x[...]`: integers, slices, new axes, integer arrays and masks."""
    index = []
    for n in shape[: int(rng.integers(1, len(shape) + 1))]:
        roll = rng.random()
        if roll < 0.25 and n:
            index.append(int(rng.integers(-n, n)))
        elif roll < 0.4 and n and advanced:
            index.append(rng.integers(-n, n, size=int(rng.integers(0, 4))))
        elif roll < 0.45 and advanced:
            index.append(rng.random(n) < 0.5)
        else:
            index.append(random_slice(rng, n))
    arrays = [i for i in index if isinstance(i, np.ndarray)]
    if len(arrays) > 1:
        index = [slice(None) if isinstance(i, np.ndarray) else i for i in index]
    return tuple(index)


def indexing(rng, pool):
    x = pick(rng, pool, ndim=(1, 2, 3))
    if x is None:
        return None
    index = random_index(rng, x.value.shape)
    return result(x.var[index], x.value[index], f"{x.text}[{index}]")


def has_repeats(index, shape):
    """Whether an array of integers names one place twice."""
    arrays = [(i, n) for i, n in zip(index, shape) if getattr(i, "dtype", None) == np.int64]
    return any(np.unique(i % n).size < i.size for i, n in arrays)


def set_or_inc(rng, pool):
    x = pick(rng, pool, "fi", ndim=(1, 2, 3))
    if x is None:
        return None
    index = random_index(rng, x.value.shape)
    part = x.value[index]
    y = pick(rng, [t for t in pool if t.value.dtype == x.value.dtype], ndim=0)
    y = y or Term(pt.constant(part * 0 + 2), part * 0 + 2, "2")
    # The derivative of writing one place twice is not defined.
    increment = bool(rng.random() < 0.5) or has_repeats(index, x.value.shape)
    value = x.value.copy()
    if increment:
        np.add.at(value, index, y.value)
    else:
        value[index] = y.value
    function = pt.inc_subtensor if increment else pt.set_subtensor
    text = f"{function.__name__}({x.text}[{index}], {y.text})"
    return result(function(x.var[index], y.var), value, text)


def join(rng, pool):
    x = pick(rng, pool, ndim=(1, 2, 3))
    if x is None:
        return None
    axis = int(rng.integers(x.ndim))

    def others(t):
        return tuple(n for i, n in enumerate(t.value.shape) if i != axis)

    fits = [t for t in pool if t.ndim == x.ndim and others(t) == others(x) and t.kind == x.kind]
    parts = [x] + [fits[int(rng.integers(len(fits)))] for _ in range(int(rng.integers(1, 3)))]
    text = ", ".join(t.text for t in parts)
    if rng.random() < 0.3 and len({t.value.shape for t in parts}) == 1:
        var = pt.stack([t.var for t in parts], axis=axis)
        return result(var, np.stack([t.value for t in parts], axis=axis), f"stack({text}, {axis})")
    var = pt.join(axis, *[t.var for t in parts])
    return result(var, np.concatenate([t.value for t in parts], axis), f"join({axis}, {text})")


def reshape(rng, pool):
    x = pick(rng, pool, ndim=(1, 2, 3))
    if x is None:
        return None
    if x.ndim > 1 and rng.random() < 0.6:
        return result(x.var.flatten(), x.value.reshape(-1), f"{x.text}.flatten()")
    n = x.value.size
    shape = [s for s in [(n, 1), (1, n), (2, n // 2), (n // 3, 3)] if s[0] * s[1] == n]
    shape = shape[int(rng.integers(len(shape)))]
    return result(x.var.reshape(shape), x.value.reshape(shape), f"{x.text}.reshape({shape})")


def shaped(rng, pool):
    """Ops that read shapes: fills, tiles, repeats, rolls, diagonals."""
    x = pick(rng, pool, ndim=(1, 2))
    if x is None:
        return None
    roll = int(rng.integers(6))
    if roll == 0:
        return result(pt.zeros_like(x.var) + x.var, x.value, f"zeros_like + {x.text}")
    if roll == 1:
        return result(pt.roll(x.var, 1, axis=0), np.roll(x.value, 1, 0), f"roll({x.text})")
    if roll == 2:
        return result(pt.repeat(x.var, 2, axis=0), x.value.repeat(2, 0), f"repeat({x.text})")
    if roll == 3:
        return result(pt.tile(x.var, 2), np.tile(x.value, 2), f"tile({x.text}, 2)")
    if roll == 4:
        return result(pt.diag(x.var), np.diag(x.value), f"diag({x.text})")
    value = np.broadcast_to(x.value, (2, *x.value.shape))
    return result(pt.alloc(x.var, 2, *x.var.shape), value, f"alloc({x.text}, 2)")


def clip(rng, pool):
    x = pick(rng, pool, "f")
    if x is None or not distinct(x.value, -1) or not distinct(x.value, 1):
        return None
    return result(pt.clip(x.var, -1, 1), np.clip(x.value, -1, 1), f"clip({x.text}, -1, 1)")


ANY = [unary, unary, unary, binary, binary, binary, scalar_mix, power, switch, cast]
ANY += [dimshuffle, dimshuffle, reduction, reduction, arg_or_sort, cumulative, softmax]
ANY += [product, product, scaled_product, outer_update, indexing, indexing, set_or_inc]
ANY += [join, reshape, shaped, clip]

# What has a derivative wherever the guards let it be used.
SMOOTH = [unary, unary, binary, binary, scalar_mix, power, dimshuffle, reduction, softmax]
SMOOTH += [product, scaled_product, outer_update, indexing, set_or_inc, join, reshape, shaped]
SMOOTH += [clip, cumulative]


# ---- programs --------------------------------------------------------------------------


def random_shape(rng, empties):
    ndim = int(rng.choice([0, 1, 1, 2, 2, 2, 3]))
    base = [int(rng.choice(LENGTHS)) for _ in range(ndim)]
    if empties and ndim and rng.random() < 0.08:
        base[int(rng.integers(ndim))] = 0
    return tuple(base)


def random_values(rng, shape, dtype):
    kind = np.dtype(dtype).kind
    if kind == "b":
        return rng.random(shape) < 0.5
    if kind in "iu":
        return rng.integers(0 if kind == "u" else -5, 6, size=shape).astype(dtype)
    value = rng.normal(size=shape)
    if rng.random() < 0.4:
        value = np.abs(value) + 0.1
    if kind == "c":
        value = value + 1j * rng.normal(size=shape)
    return np.asarray(value).astype(dtype)


def random_inputs(rng, program, dtypes, empties=True, layouts=LAYOUTS):
    """Three to five inputs; some share a shape, some lengths are static."""
    shapes = [random_shape(rng, empties) for _ in range(2)]
    for i in range(int(rng.integers(3, 6))):
        if rng.random() < 0.7:
            shape = shapes[int(rng.integers(2))]
        else:
            shape = random_shape(rng, empties)
        value = random_values(rng, shape, str(rng.choice(dtypes)))
        layout = "c_order"
        if layouts:
            value, layout = random_layout(np.asarray(value), rng, layouts)
        static = tuple(n if n == 1 or rng.random() < 0.3 else None for n in shape)
        if rng.random() < 0.1:
            static = (None,) * len(shape)
        var = pt.tensor(f"x{i}", dtype=str(value.dtype), shape=static)
        program.inputs.append(var)
        program.values.append(value)
        program.add(Term(var, np.array(value), f"input x{i}, {layout}"))


def random_program(seed, dtypes=FLOATS + INTS + ("bool",), ops=ANY, steps=12, **inputs):
    """The program of this seed: the same one every time."""
    rng = np.random.default_rng(seed)
    program = Program()
    random_inputs(rng, program, dtypes, **inputs)
    with np.errstate(all="ignore"):
        for _ in range(steps):
            operation = ops[int(rng.integers(len(ops)))]
            term = operation(rng, program.pool)
            if term is not None and term.value.size < 500:
                program.add(term)
    return program
