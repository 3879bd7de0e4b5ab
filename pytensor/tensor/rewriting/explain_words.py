"""Short words for what is in a graph: expressions as a user would write them."""

from __future__ import annotations

from typing import Any

from pytensor.graph.basic import Constant, Variable
from pytensor.scalar import basic as ps
from pytensor.tensor.blas import Dot22Scalar, Ger, Syrk
from pytensor.tensor.blas.triangular import TrmmRelated
from pytensor.tensor.blockwise import Blockwise
from pytensor.tensor.elemwise import DimShuffle, Elemwise
from pytensor.tensor.math import Dot

_SIGNS = {
    ps.Add: (" + ", 1),
    ps.Sub: (" - ", 1),
    ps.Mul: (" * ", 2),
    ps.TrueDiv: (" / ", 2),
    ps.Pow: ("**", 4),
}
_PRODUCT = 3
_ATOM = 5
_KINDS = {0: "scalar", 1: "vector", 2: "matrix", 3: "tensor3"}
_MAX_DEPTH = 5
_MAX_OPERANDS = 4


def is_product(node) -> bool:
    """Return whether `node` multiplies matrices or vectors: a `Dot` or a BLAS call."""
    return is_dot(node) or is_call(node)


def is_dot(node) -> bool:
    """Return whether `node` is a product as users write it, of matrices or of batches."""
    op = getattr(node, "op", None)
    return isinstance(op, Dot) or (isinstance(op, Blockwise) and isinstance(op.core_op, Dot))


def is_call(node) -> bool:
    """Return whether the op of `node` is one of `pytensor.tensor.blas`."""
    return type(getattr(node, "op", None)).__module__.startswith("pytensor.tensor.blas.")


def factors(node) -> tuple[Variable, Variable]:
    """Return what `node`, a product, multiplies."""
    op, inputs = node.op, node.inputs
    if isinstance(op, Ger) or len(inputs) == 5:
        swapped = getattr(op, "right", False)  # x @ A of a triangle A
        return (inputs[3], inputs[2]) if swapped else (inputs[2], inputs[3])
    if len(inputs) == 4:  # Syrk: an array times its own transpose
        return inputs[2], inputs[2]
    return inputs[0], inputs[1]


def is_outer(node) -> bool:
    """Return whether `node` multiplies a column by a row."""
    left, right = factors(node)
    if isinstance(node.op, Ger):
        return True
    return is_dot(node) and left.type.shape[-1:] == (1,) == right.type.shape[-2:-1]


# -- expressions ---------------------------------------------------------------------------


def short(var: Variable, width: int = 40) -> str:
    """Return `var` as a short expression of named variables.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> X, w = pt.matrix("X"), pt.vector("w")
    >>> short(pt.exp(X @ w) - 1.0)
    'exp(X @ w) - 1'
    """
    if is_dot(var.owner) and not var.name:
        pairs = ((i, j) for i in range(_MAX_DEPTH) for j in range(_MAX_DEPTH))
        texts = [_product(var.owner, i, j)[0] for i, j in pairs]
    else:
        texts = [_written(var, depth)[0] for depth in range(1, _MAX_DEPTH + 1)]
    # Of those that fit, the one that says most.
    fitting = [text for text in texts if len(text) <= width] or [texts[0][: width - 1] + "…"]
    return max(fitting, key=lambda text: sum(c.isalnum() for c in text))


def _written(var: Variable, depth: int) -> tuple[str, int]:
    """Return an expression and how strongly its outermost operation binds."""
    node = var.owner
    if isinstance(var, Constant):
        return _constant(var), _ATOM
    if var.name or node is None:
        return var.name or _KINDS.get(getattr(var.type, "ndim", -1), f"<{var.type}>"), _ATOM
    if isinstance(node.op, DimShuffle):
        return _dimshuffled(node, depth)
    if depth <= 0:
        return "…", _ATOM
    if is_product(node):
        return _product(node, depth - 1, depth - 1)
    if isinstance(node.op, Elemwise):
        return _elementwise(node, depth)
    name = type(getattr(node.op, "core_op", node.op)).__name__
    shown = [_written(x, depth - 1)[0] for x in node.inputs[:3]]
    if name in ("Sum", "Max", "Min", "Argmax", "CAReduce", "Prod", "All", "Any"):
        return f"{name.lower()}({shown[0]})", _ATOM
    if "Subtensor" in name and not name.startswith(("Inc", "AdvancedInc")):
        return f"{_bracketed(node.inputs[0], depth - 1, _ATOM)}[…]", _ATOM
    if name in ("Alloc", "AllocEmpty"):
        return shown[0] if name == "Alloc" else "empty", _ATOM
    if name == "SpecifyShape":
        return _written(node.inputs[0], depth)
    if name == "Reshape":
        return f"reshape({shown[0]})", _ATOM
    more = ", …" if len(node.inputs) > 3 else ""
    return _unless_empty(f"{name}({', '.join(shown)}{more})", _ATOM)


def _constant(var: Constant) -> str:
    data: Any = getattr(var, "data", None)
    if getattr(data, "size", 0) == 1 and getattr(data, "dtype", None) is not None:
        number = data.reshape(()).item()
        return f"{number:.4g}" if isinstance(number, float) else str(number)
    return var.name or "constant"


def _bracketed(var: Variable, depth: int, binds: int) -> str:
    text, strength = _written(var, depth)
    return text if strength >= binds else f"({text})"


def _dimshuffled(node, depth: int) -> tuple[str, int]:
    if node.op.new_order == (1, 0) or _swaps_last_two(node.op.new_order):
        return f"{_bracketed(node.inputs[0], depth, _ATOM)}.T", _ATOM
    # Axes of length 1 that come and go are nothing a reader wants to see.
    return _written(node.inputs[0], depth)


def _swaps_last_two(order) -> bool:
    kept = [i for i in order if i != "x"]
    n = len(kept)
    return n >= 2 and kept == [*range(n - 2), n - 1, n - 2]


def _product(node, depth: int, of_right: int) -> tuple[str, int]:
    left, right = factors(node)
    if is_outer(node):
        text = f"outer({_written(left, depth)[0]}, {_written(right, of_right)[0]})"
        return _accumulated(node, text, depth + 1)
    conjugated = getattr(node.op, "conj", "")
    if isinstance(node.op, TrmmRelated) and not node.op.zeroed:
        sides = [_written(left, depth)[0], _written(right, of_right)[0]]
        at = 1 if node.op.right else 0
        sides[at] = f"{'tril' if node.op.lower else 'triu'}({sides[at]})"
        return _accumulated(node, " @ ".join(sides), depth + 1)
    text = _conjugated(_bracketed(left, depth, _PRODUCT), conjugated[:1] in ("x", "A")) + " @ "
    if isinstance(node.op, Syrk):
        text += _own_transpose(_bracketed(left, depth, _ATOM), node.op.hermitian)
    else:
        text += _conjugated(_bracketed(right, of_right, _PRODUCT + 1), "y" in conjugated)
    return _accumulated(node, text, depth + 1)


def _conjugated(text: str, wanted: bool) -> str:
    return f"conj({text.removeprefix('(').removesuffix(')')})" if wanted else text


def _own_transpose(text: str, hermitian: bool) -> str:
    if hermitian:
        return f"conj({text}).T"
    return text.removesuffix(".T") if text.endswith(".T") else f"{text}.T"


def _accumulated(node, text: str, depth: int) -> tuple[str, int]:
    """Add scalars and accumulator of a call to the product it computes."""
    inputs, strength = node.inputs, _PRODUCT
    alpha = beta = accumulator = None
    if isinstance(node.op, Dot22Scalar):
        alpha = inputs[2]
    elif isinstance(node.op, Ger):
        accumulator, alpha = inputs[:2]
    elif len(inputs) in (4, 5):
        accumulator, alpha, beta = inputs[0], inputs[1], inputs[-1]
    if alpha is not None and not _is_number(alpha, 1):
        minus = _is_number(alpha, -1)
        text, strength = (f"-{text}" if minus else f"{_atom(alpha, depth)} * {text}"), 2
    if accumulator is None or (beta is not None and _is_number(beta, 0)):
        return text, strength
    if isinstance(accumulator, Constant) and not accumulator.data.any():
        return text, strength
    if accumulator.owner is not None and type(accumulator.owner.op).__name__ == "AllocEmpty":
        return text, strength
    added = _written(accumulator, depth - 1)[0]
    if beta is not None and not _is_number(beta, 1):
        added = f"{_atom(beta, depth)} * {_bracketed(accumulator, depth - 1, _PRODUCT)}"
    return f"{added} - {text[1:]}" if text.startswith("-") else f"{added} + {text}", 1


def _atom(var: Variable, depth: int) -> str:
    return _bracketed(var, depth - 1, _ATOM)


def _is_number(var: Variable, number) -> bool:
    return isinstance(var, Constant) and var.data.size == 1 and var.data.item() == number


def _elementwise(node, depth: int) -> tuple[str, int]:
    op = node.op.scalar_op
    for kind, (sign, strength) in _SIGNS.items():
        if isinstance(op, kind):
            first, *rest = node.inputs[:_MAX_OPERANDS]
            parts = [_bracketed(first, depth - 1, strength)]
            parts += [_bracketed(x, depth - 1, strength + (sign != " + ")) for x in rest]
            parts += ["…"] * (len(node.inputs) > _MAX_OPERANDS)
            return _unless_empty(sign.join(parts), strength)
    if isinstance(op, ps.Neg):
        return _unless_empty(f"-{_bracketed(node.inputs[0], depth - 1, 2)}", 2)
    if isinstance(op, ps.Cast):
        return _written(node.inputs[0], depth)
    names = [_written(x, depth - 1)[0] for x in node.inputs[:_MAX_OPERANDS]]
    if hasattr(op, "fgraph"):  # several operations fused into one
        named = [n for n in dict.fromkeys(names) if any(c.isalpha() for c in n)]
        return _unless_empty(f"f({', '.join(named)})", _ATOM)
    name = getattr(op, "name", None) or type(op).__name__.lower()
    return _unless_empty(f"{name}({', '.join(names)})", _ATOM)


def _unless_empty(text: str, strength: int) -> tuple[str, int]:
    """Return the text of an operation, or ``…`` if its operands are not shown either."""
    shown = text[text.find("(") + 1 :] if text[:1].isalpha() and text.endswith(")") else text
    return (text, strength) if any(c.isalpha() for c in shown) else ("…", _ATOM)
