"""Operations on small arrays of known shapes, written out: what each Op is in the step of a loop.

`write_static` appends the statements of a node and returns its outputs. It returns None for what is
better left to the general loop: Ops without a form here, shapes that do not fit (their error is the
general kernel's), arrays for which BLAS is faster. Statements jump to ``unusual`` where something is
wrong at run time (an index out of range, a matrix that is not positive definite); whoever uses them
goes on from there with the general kernels, which raise as usual.
"""

import importlib
import math
from collections.abc import Iterable, Sequence
from functools import singledispatch

import numpy as np

from pytensor.compile.ops import DeepCopyOp, TypeCastingOp
from pytensor.graph.basic import Apply
from pytensor.link.c.dispatch.basic import c_type, value_type
from pytensor.link.c.dispatch.reduce import _identity
from pytensor.link.c.dispatch.scalar import literal, scalar_code, unit_cast
from pytensor.link.c.dispatch.static_values import Array, FusedWriter, StaticWriter, strides_of
from pytensor.scalar.basic import ScalarOp
from pytensor.tensor._diag import ExtractDiag
from pytensor.tensor._reductions import MulWithoutZeros
from pytensor.tensor.basic import (
    Alloc,
    AllocEmpty,
    Join,
    MakeVector,
    ScalarFromTensor,
    TensorFromScalar,
)
from pytensor.tensor.elemwise import CAReduce, DimShuffle, Elemwise
from pytensor.tensor.shape import Reshape, Shape, Shape_i, SpecifyShape
from pytensor.tensor.subtensor import IncSubtensor, Subtensor

__all__ = ["load_ops", "write_node", "write_static"]

Arrays = Sequence[Array]
# Results with more elements are computed as well by the kernels of their operations.
MOST_ELEMENTS = 512


@singledispatch
def write_static(op, node: Apply, inputs: Arrays, w: StaticWriter) -> list[Array] | None:
    """Append the statements of a node; return its outputs, None if it has no such form."""
    return None


# Files of further Ops by the modules these are in.
_FILES = {
    "pytensor.tensor._dot": "static_products",
    "pytensor.tensor.blas": "static_products",
    "pytensor.tensor.linalg": "static_linalg",
}


def load_ops(ops: Iterable) -> None:
    """Import the files that write these Ops out."""
    modules = {type(op).__module__ for op in ops}
    for start, name in _FILES.items():
        if any(module.startswith(start) for module in modules):
            importlib.import_module(f"pytensor.link.c.dispatch.{name}")


def write_node(node: Apply, inputs: Arrays, w: StaticWriter) -> list[Array] | None:
    """Append the statements of a node, or compute it now if it is known."""
    if inputs and all(x.known is not None for x in inputs) and not isinstance(node.op, AllocEmpty):
        cells: list[list] = [[None] for _ in node.outputs]
        try:
            node.op.perform(node, [np.asarray(x.known) for x in inputs], cells)
        except Exception:
            return None
        found = [
            w.constant(np.asarray(c[0]), v.type.dtype)
            for c, v in zip(cells, node.outputs, strict=True)
        ]
        return None if any(x is None for x in found) else found  # type: ignore[return-value]
    results = write_static(node.op, node, inputs, w)
    if results is None or any(x.size > MOST_ELEMENTS for x in results):
        return None
    return results


# -- elementwise --------------------------------------------------------------------------------


@write_static.register(ScalarOp)
def _scalar(op, node, inputs, w):
    return _elementwise(op, [v.type.dtype for v in node.outputs], (), inputs, w)


@write_static.register(Elemwise)
def _elemwise(op, node, inputs, w):
    shape = _broadcast(node, inputs)
    if shape is None:
        return None
    return _elementwise(op.scalar_op, [v.type.dtype for v in node.outputs], shape, inputs, w)


def _broadcast(node, inputs: Arrays) -> tuple[int, ...] | None:
    """Return the shape of an elementwise result; None where the general kernel raises."""
    shape = []
    for axis in range(node.outputs[0].type.ndim):
        lengths = {x.shape[axis] for x in inputs}
        if len(lengths) > 1:
            repeated = [v.type.shape[axis] == 1 for v in node.inputs]
            lengths = {x.shape[axis] for x, one in zip(inputs, repeated) if not one}
        if len(lengths) != 1:
            return None
        shape.append(lengths.pop())
    return tuple(shape)


def _elementwise(op, out_dtypes, shape, inputs: Arrays, w: StaticWriter) -> list[Array] | None:
    number = w.new_name("e")
    names = [f"{number}a{i}" for i in range(len(inputs))]
    in_dtypes = [x.dtype for x in inputs]
    code = scalar_code(op, in_dtypes, out_dtypes, names, f"{number}_", write=FusedWriter)
    if code is None:
        return None
    size = math.prod(shape)
    w.sources.update(dict.fromkeys(code.sources))
    w.functions.update(dict.fromkeys(code.functions))
    w.cost += code.cost * size
    single = size == 1
    outs = [] if single else [w.local(d, shape) for d in out_dtypes]
    flat = all(x.size == 1 or (x.is_flat and x.shape == shape) for x in inputs)
    if single or not flat:
        index = w.nest(shape)
    else:
        index = w.nest((size,))
    for x, name in zip(inputs, names, strict=True):
        where = x.at(*([0] * len(x.shape))) if x.size == 1 else ""
        where = where or (x.flat(index[0]) if flat else x.at(*index))
        w.add(f"const {value_type(x.dtype)} {name} = {where};")
        w.add(f"(void){name};")
    for line in code.lines:
        w.add(line)
    if single:
        return [w.register(d, v, shape) for d, v in zip(out_dtypes, code.results, strict=True)]
    for z, value in zip(outs, code.results, strict=True):
        w.add(f"{z.flat(index[0]) if flat else z.at(*index)} = {value};")
    w.end(index)
    return outs


@write_static.register(CAReduce)
def _reduce(op, node, inputs, w):
    (x,) = inputs
    out_dtype = node.outputs[0].type.dtype
    acc = np.dtype(op._acc_dtype(x.dtype)).name
    if isinstance(op.scalar_op, MulWithoutZeros) or c_type(acc) is None or "16" in x.dtype:
        return None
    axes = range(len(x.shape)) if op.axis is None else op.axis
    kept = [k for k in range(len(x.shape)) if k not in axes]
    shape = tuple(x.shape[k] for k in kept)
    first = _identity(op, acc)
    code = scalar_code(op.scalar_op, (acc, acc), (acc,), ("total", "item"), write=FusedWriter)
    if code is None or first is None or x.size == 0:
        return None
    w.sources.update(dict.fromkeys(code.sources))
    w.cost += (0.3 + code.cost) * x.size
    single = math.prod(shape) == 1
    out = w.new_name()
    if single:
        w.add(f"{value_type(out_dtype)} {out};")
        z = Array(out_dtype, shape, out, None)
    else:
        z = w.local(out_dtype, shape, out)
    outer = w.nest(shape)
    w.add("{")
    w.add(f"{c_type(acc)} total = {literal(first, acc)};")
    inner = w.nest([x.shape[k] for k in axes])
    index: list[str | int] = [0] * len(x.shape)
    for k, i in [*zip(kept, outer, strict=True), *zip(axes, inner, strict=True)]:
        index[k] = i
    load, files = unit_cast(x.at(*index), x.dtype, acc)
    w.sources.update(dict.fromkeys(files))
    w.add(f"const {c_type(acc)} item = {load};")
    if not any(isinstance(i, str) for i in inner):
        w.add("(void)item;")
    for line in code.lines:
        w.add(line)
    w.add(f"total = {code.results[0]};")
    w.end(inner)
    store, files = unit_cast("total", acc, out_dtype)
    w.sources.update(dict.fromkeys(files))
    w.add(f"{z.at(*outer)} = {store};")
    w.add("}")
    w.end(outer)
    return [z]


# -- the same elements under other numbers --------------------------------------------------------


@write_static.register(DeepCopyOp)
@write_static.register(TypeCastingOp)
@write_static.register(ScalarFromTensor)
@write_static.register(TensorFromScalar)
def _same(op, node, inputs, w):
    return [inputs[0]]


@write_static.register(DimShuffle)
def _dimshuffle(op, node, inputs, w):
    (x,) = inputs
    if any(x.shape[k] != 1 for k in op.drop):
        return None
    shape = [1 if k == "x" else x.shape[k] for k in op.new_order]
    strides = x.strides or (0,) * len(x.shape)
    return [x.view(shape, [0 if k == "x" else strides[k] for k in op.new_order])]


@write_static.register(Reshape)
def _reshape(op, node, inputs, w):
    x, shp = inputs
    if shp.known is None:
        return None
    shape = [int(n) for n in np.atleast_1d(shp.known)]
    if shape.count(-1) == 1 and x.size:
        shape[shape.index(-1)] = x.size // max(1, -math.prod(shape))
    if math.prod(shape) != x.size or min(shape, default=0) < 0:
        return None
    return [_flat(x, w).view(shape, strides_of(shape))]


def _flat(x: Array, w: StaticWriter) -> Array:
    """Return an array with these elements in C order."""
    if x.is_flat or x.strides is None:
        return x
    z = w.local(x.dtype, x.shape)
    w.copy_into(z, x)
    return z


@write_static.register(SpecifyShape)
def _specify_shape(op, node, inputs, w):
    fits = all(
        n is None or n == m
        for n, m in zip(node.outputs[0].type.shape, inputs[0].shape, strict=True)
    )
    return [inputs[0]] if fits else None


@write_static.register(Shape)
def _shape(op, node, inputs, w):
    return _constants(w, np.array(inputs[0].shape, np.int64), node)


@write_static.register(Shape_i)
def _shape_i(op, node, inputs, w):
    return _constants(w, np.array(inputs[0].shape[op.i], np.int64), node)


def _constants(w: StaticWriter, value, node) -> list[Array] | None:
    found = w.constant(value, node.outputs[0].type.dtype)
    return None if found is None else [found]


@write_static.register(ExtractDiag)
def _extract_diag(op, node, inputs, w):
    (x,) = inputs
    if len(x.shape) != 2 or x.strides is None or (op.axis1, op.axis2) != (0, 1):
        return None
    below, above = max(-op.offset, 0), max(op.offset, 0)
    n = max(0, min(x.shape[0] - below, x.shape[1] - above))
    rows, columns = x.strides
    return [x.view((n,), (rows + columns,), rows * below + columns * above)]


# -- indices ------------------------------------------------------------------------------------


def region(x: Array, idx_list, indices: Arrays, w: StaticWriter) -> Array | None:
    """Return the part of `x` that an index names; positions may be known at run time only."""
    strides = x.strides or (0,) * len(x.shape)
    shape, steps, offset, moving = [], [], 0, []
    for axis, n in enumerate(x.shape):
        entry = idx_list[axis] if axis < len(idx_list) else slice(None)
        if isinstance(entry, slice):
            bounds: list[int | None] = []
            for place in (entry.start, entry.stop, entry.step):
                known = None if place is None else indices[place].known
                if place is not None and known is None:
                    return None
                bounds.append(None if known is None else int(known))
            start, stop, step = slice(*bounds).indices(n)
            length = len(range(start, stop, step))
            shape.append(length)
            steps.append(strides[axis] * step)
            offset += strides[axis] * start if length else 0
            continue
        i = indices[entry]
        if i.known is not None:
            at = int(i.known)
            if not -n <= at < n:
                return None
            offset += strides[axis] * (at % n)
            continue
        name = w.new_name("n")
        w.add(f"const int64_t {name}_ = (int64_t){i.at(*([0] * len(i.shape)))};")
        w.add(f"const int64_t {name} = {name}_ < 0 ? {name}_ + {n} : {name}_;")
        w.add(f"if ({name} < 0 || {name} >= {n})")
        w.add("    goto unusual;")
        moving.append(f"{strides[axis]} * {name}")
    part = x.view(shape, steps, offset)
    terms = [part.moving] if part.moving else []
    return part._replace(moving=" + ".join([*terms, *moving])) if x.strides else part


@write_static.register(Subtensor)
def _subtensor(op, node, inputs, w):
    x, *indices = inputs
    part = region(x, op.idx_list, indices, w)
    return None if part is None else [part]


@write_static.register(IncSubtensor)
def _inc_subtensor(op, node, inputs, w):
    x, y, *indices = inputs
    if x.dtype != y.dtype or "16" in x.dtype or (not op.set_instead_of_inc and x.dtype == "bool"):
        return None
    z = w.local(x.dtype, x.shape)
    part = region(z, op.idx_list, indices, w)
    if part is None or len(part.shape) < len(y.shape):
        return None
    lead = len(part.shape) - len(y.shape)
    if any(m not in (1, n) for n, m in zip(part.shape[lead:], y.shape, strict=True)):
        return None
    w.copy_into(z, x)
    w.cost += 0.3 * part.size
    index = w.nest(part.shape)
    value = y.at(*index[lead:])
    w.add(f"{part.at(*index)} {'=' if op.set_instead_of_inc else '+='} {value};")
    w.end(index)
    return [z]


# -- new arrays ---------------------------------------------------------------------------------


def _lengths(inputs: Arrays) -> tuple[int, ...] | None:
    if any(x.known is None for x in inputs):
        return None
    lengths = tuple(int(x.known) for x in inputs)  # type: ignore[arg-type]
    return lengths if min(lengths, default=0) >= 0 else None


@write_static.register(AllocEmpty)
def _alloc_empty(op, node, inputs, w):
    shape = _lengths(inputs)
    if shape is None or math.prod(shape) > MOST_ELEMENTS:
        return None
    return [w.local(op.dtype, shape)]


@write_static.register(Alloc)
def _alloc(op, node, inputs, w):
    x, shape = inputs[0], _lengths(inputs[1:])
    if shape is None or math.prod(shape) > MOST_ELEMENTS:
        return None
    lead = len(shape) - len(x.shape)
    for k, m in enumerate(x.shape):
        if m != shape[lead + k] and node.inputs[0].type.shape[k] != 1:
            return None
    strides = x.strides or (0,) * len(x.shape)
    spread = [s if m != 1 else 0 for m, s in zip(x.shape, strides, strict=True)]
    if x.strides is None:
        return [x._replace(shape=shape, known=None)]
    z = w.local(x.dtype, shape)
    w.copy_into(z, x.view(shape, [*[0] * lead, *spread]))
    return [z]


@write_static.register(MakeVector)
def _make_vector(op, node, inputs, w):
    z = w.local(op.dtype, (len(inputs),))
    for i, x in enumerate(inputs):
        value, files = unit_cast(x.at(*([0] * len(x.shape))), x.dtype, op.dtype)
        w.sources.update(dict.fromkeys(files))
        w.add(f"{z.at(i)} = {value};")
    return [z]


@write_static.register(Join)
def _join(op, node, inputs, w):
    axis, dtype = op.axis, node.outputs[0].type.dtype
    rest = {(*x.shape[:axis], *x.shape[axis + 1 :]) for x in inputs}
    if len(rest) != 1 or any(x.dtype != dtype for x in inputs):
        return None
    shape = list(inputs[0].shape)
    shape[axis] = sum(x.shape[axis] for x in inputs)
    z = w.local(dtype, shape)
    assert z.strides is not None, "it is an array"
    start = 0
    for x in inputs:
        w.copy_into(z.view(x.shape, z.strides, start * z.strides[axis]), x)
        start += x.shape[axis]
    return [z]
