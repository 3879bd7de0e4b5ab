"""Kernels of indexing by integer arrays, when they stand side by side among full slices.

The arrays are turned into one table of byte offsets, checked once; then elements or blocks move.
Masks, arrays apart from one another and slices with limits are left to Python.
"""

from dataclasses import dataclass

from pytensor.link.c.dispatch.basic import CKernel, c_funcify, c_type
from pytensor.link.c.dispatch.shape import COPY
from pytensor.link.c.dispatch.subtensor import INDEX, combine, element_type, start_from
from pytensor.tensor.subtensor import AdvancedIncSubtensor, AdvancedSubtensor


@dataclass
class _Take:
    """Index arrays (input numbers) on the axes from `axis` on; together they have `ndim` axes."""

    axis: int
    inputs: list[int]
    ndim: int

    @property
    def after(self) -> int:
        """First axis behind the indexed ones."""
        return self.axis + len(self.inputs)


def _classify(node, idx_list, first: int) -> _Take | None:
    arrays = [i for i, entry in enumerate(idx_list) if not isinstance(entry, slice)]
    if not arrays or arrays != list(range(arrays[0], arrays[-1] + 1)):
        return None
    if any(isinstance(entry, slice) and entry != slice(None) for entry in idx_list):
        return None
    inputs = [first + idx_list[i] for i in arrays]
    types = [node.inputs[i].type for i in inputs]
    if any(t.numpy_dtype.kind not in "iu" for t in types):
        return None
    return _Take(arrays[0], inputs, max(t.ndim for t in types))


def _offsets(node, take: _Take, array: str) -> str:
    """Write the lines that fill ``offset[]`` for the axes of `array`, with ``lengths`` of the index."""
    lines = [f"    int64_t lengths[{take.ndim + 1}];"]
    lines += [f"    lengths[{k}] = 1;" for k in range(take.ndim)]
    for number in take.inputs:
        shift = take.ndim - node.inputs[number].type.ndim
        for k in range(node.inputs[number].type.ndim):
            have, want = f"x{number}->shape[{k}]", f"lengths[{k + shift}]"
            lines.append(
                f"    if ({want} == 1)\n        {want} = {have};\n"
                f"    else if ({have} != 1 && {have} != {want})\n"
                '        return pt_fail(ctx, PT_INDEX_ERROR, "shape mismatch: indexing arrays '
                'could not be broadcast together");'
            )
    total = " * ".join(f"lengths[{k}]" for k in range(take.ndim)) or "1"
    lines.append(f"    const int64_t total = {total};")
    lines.append("    int64_t *offset = pt_scratch(ctx, (total + 1) * 8), n = 0;")
    lines.append(
        '    if (!offset)\n        return pt_fail(ctx, PT_MEMORY, "no memory for indices");'
    )
    lines += [f"    for (int64_t i{k} = 0; i{k} < lengths[{k}]; i{k}++)" for k in range(take.ndim)]
    lines.append("    {\n        int64_t at = 0, i;\n        int status_of_index;")
    for axis, number in enumerate(take.inputs, take.axis):
        index = node.inputs[number]
        shift = take.ndim - index.type.ndim
        where = "".join(
            f" + (x{number}->shape[{k}] == 1 ? 0 : i{k + shift} * x{number}->strides[{k}])"
            for k in range(index.type.ndim)
        )
        lines.append(
            f"        i = (int64_t)*(const {c_type(index.type.dtype)} *)(x{number}->data{where});\n"
            f"        if ((status_of_index = pt_check_index(ctx, &i, {array}->shape[{axis}], {axis})))"
            "\n            return status_of_index;\n"
            f"        at += i * {array}->strides[{axis}];"
        )
    lines.append("        offset[n++] = at;\n    }")
    return "\n".join(lines)


def _result_shape(node, take: _Take, name: str) -> list[str]:
    """C expressions for the lengths of the region: before, index, behind."""
    x = node.inputs[0]
    return [
        *(f"{name}->shape[{k}]" for k in range(take.axis)),
        *(f"lengths[{k}]" for k in range(take.ndim)),
        *(f"{name}->shape[{k}]" for k in range(take.after, x.type.ndim)),
    ]


def _move_block(node, take: _Take) -> str:
    """Copy one element, or the block behind the indexed axes, from ``from`` to ``to``."""
    x = node.inputs[0]
    itemsize, rest = x.type.numpy_dtype.itemsize, x.type.ndim - take.after
    if rest == 0:
        return f"memcpy(to, from, {itemsize});"
    tail = f"{take.axis + take.ndim}"
    return (
        f"pt_copy(to, z0->strides + {tail}, from, x0->strides + {take.after}, "
        f"x0->shape + {take.after}, {rest}, {itemsize});"
    )


@c_funcify.register(AdvancedSubtensor)
def _advanced_subtensor(op, node=None, **kwargs):
    x, z = node.inputs[0], node.outputs[0]
    take = _classify(node, op.idx_list, 1)
    if take is None:
        return None
    itemsize = x.type.numpy_dtype.itemsize
    shape = _result_shape(node, take, "x0")
    block = " * ".join(
        [str(itemsize), *(f"x0->shape[{k}]" for k in range(take.after, x.type.ndim))]
    )
    lines = [
        _offsets(node, take, "x0"),
        *(f"    z0->shape[{k}] = {length};" for k, length in enumerate(shape)),
        f"    int status = pt_alloc(ctx, z0, {z.type.ndim}, {itemsize});\n"
        "    if (status)\n        return status;",
        f"    pt_heavy(ctx, 2.0 * (double)pt_size(z0, {z.type.ndim}));",
        f"    char *to = z0->data;\n    const int64_t block = {block};",
        *(f"    for (int64_t i{k} = 0; i{k} < x0->shape[{k}]; i{k}++)" for k in range(take.axis)),
        "    {\n        const char *base = x0->data"
        + "".join(f" + i{k} * x0->strides[{k}]" for k in range(take.axis))
        + ";",
        "        for (int64_t i = 0; i < total; i++, to += block) {",
        f"            const char *from = base + offset[i];\n            {_move_block(node, take)}",
        "        }\n    }",
    ]
    return CKernel("\n".join(lines), (COPY, INDEX))


def _strict_strides(y_type, shape: list[str]) -> str | None:
    """Set ``ys``; a length that only turns out to be 1 at run time is not repeated."""
    offset = len(shape) - y_type.ndim
    if offset < 0:
        return None
    lines = [f"    int64_t ys[{len(shape) + 1}] = {{0}};"]
    for k, static in enumerate(y_type.shape):
        if static == 1:
            continue
        want = shape[k + offset]
        lines.append(f"""\
    if (x1->shape[{k}] != {want})
        return x1->shape[{k}] == 1
                   ? pt_fail(ctx, PT_VALUE_ERROR,
                             "[AdvancedIncSubtensor] Runtime broadcasting not allowed. y had a "
                             "length of 1 on axis {k} that was not marked as broadcastable.")
                   : pt_fail(ctx, PT_VALUE_ERROR,
                             "[AdvancedIncSubtensor] y must broadcast to the indexed region, got "
                             "length %lld for %lld on axis {k + offset}",
                             (long long)x1->shape[{k}], (long long)({want}));
    ys[{k + offset}] = x1->strides[{k}];""")
    return "\n".join(lines)


def _scatter(node, take: _Take, shape: list[str], element: str, statement: str) -> str:
    """Loops over the region in order: later writes to one element come later."""
    lines = ["    char *to0 = z0->data;\n    const char *from0 = x1->data;"]
    first, last = take.axis, take.axis + take.ndim
    if not take.ndim:
        lines[0] = "    char *to0 = z0->data + offset[0];\n    const char *from0 = x1->data;"
    for k, length in enumerate(shape):
        if k == first and take.ndim:
            lines.append("    n = 0;")
        to = f"to{k}"
        if k < first:
            to += f" + i{k} * z0->strides[{k}]"
        elif k >= last:
            to += f" + i{k} * z0->strides[{k - take.ndim + len(take.inputs)}]"
        elif k == last - 1:
            to += " + offset[n++]"
        lines.append(
            f"    for (int64_t i{k} = 0; i{k} < {length}; i{k}++) {{\n"
            f"    char *to{k + 1} = {to};\n"
            f"    const char *from{k + 1} = from{k} + i{k} * ys[{k}];"
        )
    end = len(shape)
    lines.append(f"    {element} *z = ({element} *)to{end};")
    lines.append(f"    const {element} *y = (const {element} *)from{end};\n    {statement}")
    lines.append("    " + "}" * end)
    return "\n".join(lines)


@c_funcify.register(AdvancedIncSubtensor)
def _advanced_inc_subtensor(op, node=None, **kwargs):
    x, y = node.inputs[:2]
    take = _classify(node, op.idx_list, 2)
    add_once = op.ignore_duplicates and not op.set_instead_of_inc
    if take is None or x.type.dtype != y.type.dtype or add_once:
        return None
    statement = combine(x.type.dtype, op.set_instead_of_inc)
    element = element_type(x.type.numpy_dtype, op.set_instead_of_inc)
    shape = _result_shape(node, take, "x0")
    strides = _strict_strides(y.type, shape)
    if statement is None or element is None or strides is None:
        return None
    body = "\n".join(
        (
            start_from(node, op.inplace),
            _offsets(node, take, "z0"),
            strides,
            f"    pt_heavy(ctx, 2.0 * (double)pt_size(x1, {y.type.ndim}));",
            _scatter(node, take, shape, element, statement),
        )
    )
    if op.inplace:
        return CKernel(body, (COPY, INDEX), destroys={0: 0})
    return CKernel(body, (COPY, INDEX), inplace={0: (0,)})
