"""Reductions: c_code/reduce.c instantiated for each operation and its types, driven by driver_reduce.h."""

import functools
from collections.abc import Sequence

import numpy as np

from pytensor.graph.basic import Apply, Variable
from pytensor.link.c import vm
from pytensor.link.c.dispatch.basic import (
    C_CODE,
    CKernel,
    LaterKernel,
    Source,
    c_funcify,
    itemsize,
    value_suffix,
    value_type,
)
from pytensor.link.c.dispatch.elemwise import (
    ELEMWISE,
    elemwise_record,
    is_scalar,
    loop_cost,
    loop_of,
    repeat_mask,
)
from pytensor.link.c.dispatch.scalar import (
    computed_as,
    flags_of,
    literal,
    scalar_code,
    unit_cast,
)
from pytensor.link.c.interpreter import VM_REDUCE, Interpreted, Record, encode, safe_name
from pytensor.link.c.interpreter import loop_of as interpreted_loop
from pytensor.link.schedule import Schedule
from pytensor.tensor._reductions import MulWithoutZeros, NonZeroDimsCAReduce
from pytensor.tensor.elemwise import CAReduce, Elemwise


def _identity(op: CAReduce, dtype: str):
    """The value that changes nothing, in the accumulator's dtype; None if there is none."""
    identity = op.scalar_op.identity
    if identity is None or (dtype.startswith("complex") and not np.isfinite(identity)):
        return None
    kind = np.dtype(dtype).kind
    if kind in "iu" and np.isinf(identity):
        info = np.iinfo(dtype)
        return info.min if identity < 0 else info.max
    if kind in "iu" and identity == -1:
        # All bits set, in unsigned types too.
        return np.array(-1).astype(dtype)[()]
    return bool(identity) and identity != -np.inf if kind == "b" else identity


class Reducer:
    """The C that reduces values of one dtype with the operation of a `CAReduce`.

    Attributes
    ----------
    name : str
        Of the ``pt_reducer``.
    sources : tuple of Source
    """

    def __init__(self, name: str, sources: tuple[Source, ...]):
        self.name = name
        self.sources = sources


def reducer(op: CAReduce, in_dtype: str, out_dtype: str) -> Reducer | None:
    """Return the reducer of `op` for elements of `in_dtype`; None if there is no C for it."""
    acc = computed_as(np.dtype(op._acc_dtype(in_dtype)).name)
    if any(value_type(d) is None for d in (in_dtype, acc, out_dtype)):
        return None
    scalar_op, skip_zeros = op.scalar_op, isinstance(op.scalar_op, MulWithoutZeros)
    identity = _identity(op, acc)
    if skip_zeros:
        from_zero = "(x == 0 ? 1 : x)"
        if in_dtype == "float16":
            from_zero = f"(x & 0x7fff ? x : {literal(1, in_dtype)})"
        return _instance(
            op, "mul_without_zeros", "a * b", (), from_zero, 1, in_dtype, acc, out_dtype
        )
    code = scalar_code(scalar_op, (acc, acc), (acc,), ("a", "b"))
    if code is None or identity is None or len(code.lines) != 1:
        return None
    combine = code.lines[0].partition(" = ")[2].rstrip(";")
    name = type(scalar_op).__name__.lower()
    return _instance(op, name, combine, code.sources, "x", identity, in_dtype, acc, out_dtype)


def _instance(op, name, combine, sources, value, identity, in_dtype, acc, out_dtype):
    load, load_files = unit_cast(value, in_dtype, acc)
    store, store_files = unit_cast("a", acc, out_dtype)
    suffix = "_".join([name, *(value_suffix(d) for d in (in_dtype, acc, out_dtype))])
    defines = (
        ("IN", value_type(in_dtype)),
        ("ACC", value_type(acc)),
        ("OUT", value_type(out_dtype)),
        ("PT_SUFFIX", suffix),
        ("PT_LOAD", load),
        ("PT_COMBINE", combine),
        ("PT_IDENTITY", literal(identity, acc)),
        ("PT_STORE", store),
    )
    files = (*sources, *load_files, *store_files, Source(C_CODE, "reduce.c", defines))
    return Reducer(f"pt_reducer_{suffix}", tuple(dict.fromkeys(files)))


def _axes_and_nonempty(op, ndim: int) -> tuple[int, int]:
    """Return the mask of reduced axes, and whether empty ones are an error."""
    axes = range(ndim) if op.axis is None else op.axis
    mask = sum(1 << k for k in axes)
    return mask, int(isinstance(op, NonZeroDimsCAReduce) and not op.initial)


def _interpreted(op, by: Reducer, inputs, computed, cost, name, loop) -> Interpreted | None:
    """Return the kernel for the interpreter: it reduces the input, or what `loop` computes from inputs."""
    found = vm.index()
    number = None if found is None else found.reducers.get(vm.reducer_name(by))
    if number is None:
        return None
    ndim = inputs[0].type.ndim
    axes, nonempty = _axes_and_nonempty(op, ndim)
    dtypes = [x.type.dtype for x in inputs], [z.type.dtype for z in computed]
    repeats = [repeat_mask(x) for x in inputs]
    record = Record(safe_name(name), ndim, cost, *dtypes, repeats, (), axes, bool(nonempty), number)
    return encode(VM_REDUCE, record, loop)


def reduction_body(op, record: str, by: Reducer, ndim: int, loop: str = "NULL") -> str:
    """Return the statements that run a reduction of what `record` describes."""
    mask, nonempty = _axes_and_nonempty(op, ndim)
    return (
        f"{record}\n    static const pt_reduction m = {{&e, {loop}, &{by.name}, {mask:#x}, {nonempty}}};\n"
        "    return ctx->svc->reduce(ctx, &m, args);"
    )


@c_funcify.register(CAReduce)
def _careduce(op, node=None, **kwargs):
    [x], [z] = node.inputs, node.outputs
    if not _is_plain(op) or x.type.ndim > 60:
        return None
    by = reducer(op, x.type.dtype, z.type.dtype)
    if by is None:
        return None
    cost = 0.1 * itemsize(x.type.dtype)
    record = elemwise_record(str(op), [x], [], cost)
    return CKernel(
        reduction_body(op, record, by, x.type.ndim),
        by.sources,
        interpreted=_interpreted(op, by, [x], [], cost, str(op), None),
    )


def _is_plain(op) -> bool:
    """Tell whether a reduction computes what its class says."""
    return isinstance(op, CAReduce) and type(op).perform in (
        CAReduce.perform,
        NonZeroDimsCAReduce.perform,
    )


def absorbed_producers(plan: Schedule, outputs: Sequence[Variable]) -> dict[Apply, Apply]:
    """Return reductions of elementwise results that nobody else reads: the one loop never stores them.

    Running the producer at the place of its reader is safe if both run under the same conditions
    and nothing in between overwrites memory.
    """
    reductions: dict[Apply, Apply] = {}
    for node in plan.order:
        if _is_plain(node.op):
            producer = node.inputs[0].owner
            if producer is not None and isinstance(producer.op, Elemwise):
                reductions[node] = producer
    if not reductions:
        return {}
    uses = dict.fromkeys((node.inputs[0] for node in reductions), 0)
    at: dict[Apply, tuple[int, int]] = {}
    n_destroyers = 0
    for i, node in enumerate(plan.order):
        at[node] = (i, n_destroyers)
        n_destroyers += bool(node.op.destroy_map)
        for x in node.inputs:
            if x in uses:
                uses[x] += 1
    for x in outputs:
        if x in uses:
            uses[x] += 1
    found = {}
    for node, producer in reductions.items():
        if (
            uses[node.inputs[0]] == 1
            and len(producer.outputs) == 1
            and not producer.op.inplace_pattern
            and producer in at
            and at[producer][1] == at[node][1]
            and (not plan.guards or plan.guards.get(producer) == plan.guards.get(node))
        ):
            found[node] = producer
    return found


def fused_reduction(producer: Apply, node: Apply) -> CKernel | None:
    """Return the kernel that reduces what `producer` computes, tile by tile; None without C for both."""
    [values], [z] = producer.outputs, node.outputs
    ndim = values.type.ndim
    by = reducer(node.op, values.type.dtype, z.type.dtype)
    if by is None or not 0 < ndim <= 60:
        return None
    make = functools.partial(_native, producer, node, by)
    steps = interpreted_loop(
        producer.op.scalar_op,
        [x.type.dtype for x in producer.inputs],
        [values.type.dtype],
        [is_scalar(x) for x in producer.inputs],
        [False],
    )
    if steps is None:
        return make()
    cost = loop_cost(steps.cost, len(producer.inputs) + 1)
    parts = (producer.inputs, [values], cost, str(producer.op), steps)
    interpreted = _interpreted(node.op, by, *parts)
    return (
        make()
        if interpreted is None
        else LaterKernel(make, interpreted, flags=flags_of(steps.sources))
    )


def _native(producer: Apply, node: Apply, by: Reducer) -> CKernel | None:
    """Return the kernel in C."""
    loop = loop_of(producer)
    if loop is None:
        return None
    name, text, code, cost = loop
    ndim = producer.outputs[0].type.ndim
    record = elemwise_record(str(producer.op), producer.inputs, [], cost)
    return CKernel(
        reduction_body(node.op, record, by, ndim, name),
        tuple(dict.fromkeys((*code.sources, ELEMWISE, *by.sources))),
        functions=(*code.functions, text),
        flags=flags_of(code.sources),
    )
