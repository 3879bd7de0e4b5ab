"""Kernels of indexing: views for basic reads, loops for writes and integer arrays."""

from pytensor.link.c.dispatch.basic import C_CODE, CKernel, Source, c_funcify, c_type
from pytensor.link.c.dispatch.shape import COPY
from pytensor.tensor.subtensor import (
    IncSubtensor,
    Subtensor,
)

INDEX = Source(C_CODE, "index.h")


def integer_element(number: int, variable) -> str:
    """Return a C expression for the value of 0-d input `number`."""
    return f"(int64_t)*(const {c_type(variable.type.dtype)} *)x{number}->data"


def _region(node, idx_list, first: int, source: str, out: tuple[str, str, str]) -> tuple[str, int]:
    """Write the lines that find the indexed region of `source`.

    Parameters
    ----------
    node
        Index inputs begin with input number `first`.
    source : str
        Name of the indexed array.
    out : tuple of str
        Names of the pointer, shape and strides of the region.

    Returns
    -------
    lines, ndim
        C text, and the number of axes of the region.
    """
    data, shape, strides = out

    def part(entry) -> str:
        return (
            "PT_ABSENT"
            if entry is None
            else integer_element(first + entry, node.inputs[first + entry])
        )

    lines = ["    int status_of_index;"] if idx_list else []
    ndim = 0
    for axis, entry in enumerate(idx_list):
        where = f"{source}->shape[{axis}], {source}->strides[{axis}]"
        if not isinstance(entry, slice):
            call = f"pt_take_index(ctx, &{data}, {part(entry)}, {where}, {axis})"
        elif entry == slice(None):
            lines.append(f"    {shape}[{ndim}] = {source}->shape[{axis}];")
            lines.append(f"    {strides}[{ndim}] = {source}->strides[{axis}];")
            ndim += 1
            continue
        else:
            parts = ", ".join(part(p) for p in (entry.start, entry.stop, entry.step))
            call = (
                f"pt_take_slice(ctx, &{data}, {parts}, {where}, "
                f"&{shape}[{ndim}], &{strides}[{ndim}])"
            )
            ndim += 1
        lines.append(f"    if ((status_of_index = {call}))\n        return status_of_index;")
    for axis in range(len(idx_list), node.inputs[0].type.ndim):
        lines.append(f"    {shape}[{ndim}] = {source}->shape[{axis}];")
        lines.append(f"    {strides}[{ndim}] = {source}->strides[{axis}];")
        ndim += 1
    return "\n".join(lines), ndim


@c_funcify.register(Subtensor)
def _subtensor(op, node=None, **kwargs):
    lines, _ = _region(node, op.idx_list, 1, "x0", ("data", "z0->shape", "z0->strides"))
    body = f"    char *data = x0->data;\n{lines}\n    z0->data = data;"
    return CKernel(body, (INDEX,), views={0: 0})


def start_from(node, inplace: bool) -> str:
    """z0 becomes x0 itself, or a copy of it (or its memory, if the plan gave it)."""
    x = node.inputs[0]
    ndim, itemsize = x.type.ndim, x.type.numpy_dtype.itemsize
    if inplace:
        return f"    pt_view(z0, x0, {ndim});"
    return f"""\
    pt_same_shape(z0, x0, {ndim});
    int status = pt_alloc(ctx, z0, {ndim}, {itemsize});
    if (status)
        return status;
    if (z0->data != x0->data) {{
        pt_heavy(ctx, (double)pt_size(x0, {ndim}));
        pt_copy(z0->data, z0->strides, x0->data, x0->strides, x0->shape, {ndim}, {itemsize});
    }}"""


def combine(dtype: str, write: bool) -> str | None:
    """Return the C statement that puts element *y into *z, or None if C has no such dtype."""
    if write:
        return "*z = *y;"
    if c_type(dtype) is None:
        return None
    return "*z |= *y;" if dtype == "bool" else "*z += *y;"


# What moves elements without looking at them, by size; complex needs two words.
_UNITS = {1: "uint8_t", 2: "uint16_t", 4: "uint32_t", 8: "uint64_t", 16: "pt_bytes16"}


def element_type(dtype, write: bool) -> str | None:
    return c_type(dtype.name) or (_UNITS.get(dtype.itemsize) if write else None)


def broadcast_strides(y_type, ndim: int, op_name: str) -> str:
    """Set ``ys``: strides of y over the `ndim` axes of the region, checked against ``shape``."""
    lines = [f"    int64_t ys[{ndim + 1}] = {{0}};"]
    offset = ndim - y_type.ndim
    for i, static in enumerate(y_type.shape):
        if i + offset < 0:
            # More axes than the region: they must have length 1.
            lines.append(
                f"    if (x1->shape[{i}] != 1)\n        return pt_fail(ctx, PT_VALUE_ERROR, "
                f'"[{op_name}] y has too many axes for the indexed region");'
            )
            continue
        if static == 1:
            continue
        lines.append(f"""\
    if (x1->shape[{i}] == shape[{i + offset}])
        ys[{i + offset}] = x1->strides[{i}];
    else if (x1->shape[{i}] != 1)
        return pt_fail(ctx, PT_VALUE_ERROR,
                       "[{op_name}] y must broadcast to the indexed region, got length %lld for "
                       "%lld on axis {i + offset}",
                       (long long)x1->shape[{i}], (long long)shape[{i + offset}]);""")
    return "\n".join(lines)


def _loops(ndim: int, element: str, statement: str) -> str:
    """Nested loops over the region; pointers ``at`` and ``from`` move with each axis."""
    lines = ["    char *at0 = data; const char *from0 = x1->data;"]
    for k in range(ndim):
        lines.append(
            f"    for (int64_t i{k} = 0; i{k} < shape[{k}]; i{k}++) {{\n"
            f"    char *at{k + 1} = at{k} + i{k} * strides[{k}]; "
            f"const char *from{k + 1} = from{k} + i{k} * ys[{k}];"
        )
    lines.append(
        f"    {element} *z = ({element} *)at{ndim}; const {element} *y = (const {element} *)"
        f"from{ndim};\n    {statement}"
    )
    lines.append("    " + "}" * ndim)
    return "\n".join(lines)


def _write(plain: bool, ndim: int, itemsize: int, element: str, statement: str) -> str:
    if plain:
        return f"    pt_copy(data, strides, x1->data, ys, shape, {ndim}, {itemsize});"
    return _loops(ndim, element, statement)


@c_funcify.register(IncSubtensor)
def _inc_subtensor(op, node=None, **kwargs):
    x, y = node.inputs[:2]
    if x.type.dtype != y.type.dtype:
        return None
    statement = combine(x.type.dtype, op.set_instead_of_inc)
    element = element_type(x.type.numpy_dtype, op.set_instead_of_inc)
    if statement is None or element is None:
        return None
    region, ndim = _region(node, op.idx_list, 2, "z0", ("data", "shape", "strides"))
    body = "\n".join(
        (
            start_from(node, op.inplace),
            f"    char *data = z0->data;\n    int64_t shape[{ndim + 1}], strides[{ndim + 1}];"
            "\n    (void)shape;\n    (void)strides;",
            region,
            broadcast_strides(y.type, ndim, "IncSubtensor"),
            _write(op.set_instead_of_inc, ndim, x.type.numpy_dtype.itemsize, element, statement),
        )
    )
    sources = (COPY, INDEX)
    if op.inplace:
        return CKernel(body, sources, destroys={0: 0})
    return CKernel(body, sources, inplace={0: (0,)})
