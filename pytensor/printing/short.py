"""Short texts that tell expressions apart."""

from __future__ import annotations

import hashlib
from typing import Any

from pytensor.graph.basic import Constant, Variable
from pytensor.printing.tree import char_from_number

__all__ = ["hex_digest", "min_informative_str", "var_descriptor"]


def hex_digest(x: Any) -> str:
    """Return a digest of an array's values, strides and shape, as hexadecimal digits.

    Arrays with equal digests are equal bit for bit and have the same layout.

    Examples
    --------
    >>> hex_digest(np.arange(3)) == hex_digest(np.arange(3))
    True
    """
    digest = hashlib.sha256(x.tobytes()).hexdigest()
    strides = ",".join(map(str, x.strides))
    shape = ",".join(map(str, x.shape))
    return f"{digest}|strides=[{strides}]|shape=[{shape}]|dtype={x.dtype}"


def min_informative_str(
    obj, indent_level: int = 0, _prev_obs: dict | None = None, _tag_generator=None
) -> str:
    """Return an expression as an indented tree in which each thing has a letter.

    What comes again is a letter in angle brackets. Variables with a name are shown by it and
    not gone into.

    Examples
    --------
    >>> x = pt.vector("x")
    >>> print(min_informative_str(x + pt.exp(x)))
    A. Add
     B. x
     C. Exp
      <B>
    """
    seen: dict = {} if _prev_obs is None else _prev_obs
    lines = []
    stack = [(obj, indent_level)]
    while stack:
        thing, level = stack.pop()
        pad = " " * level
        if thing in seen:
            lines.append(f"{pad}<{seen[thing]}>")
            continue
        tag = seen[thing] = char_from_number(len(seen))
        if getattr(thing, "name", None):
            text = thing.name
        elif isinstance(thing, Variable) and thing.owner is not None:
            text = str(thing.owner.op)
            stack.extend((var, level + 1) for var in reversed(thing.owner.inputs))
        else:
            text = str(thing)
        lines.append(f"{pad}{tag}. {text}")
    return "\n".join(lines)


def var_descriptor(obj, _prev_obs: dict | None = None, _tag_generator=None) -> str:
    """Return a one-line description of an expression in which constants appear by digest.

    Expressions with equal descriptions compute the same thing in the same way.

    Examples
    --------
    >>> x = pt.vector("x")
    >>> var_descriptor(x + 1) == var_descriptor(x + 1)
    True
    >>> var_descriptor(x + 1) == var_descriptor(x + 2)
    False
    """
    seen: dict = {} if _prev_obs is None else _prev_obs
    parts: list[str] = []
    stack: list = [obj]
    while stack:
        thing = stack.pop()
        if isinstance(thing, str):
            parts.append(thing)
            continue
        if thing in seen:
            parts.append(f"<{seen[thing]}>")
            continue
        seen[thing] = char_from_number(len(seen))
        if isinstance(thing, Variable) and thing.owner is not None:
            parts.append(f"{thing.owner.op}[{thing.index}](")
            stack.append(")")
            for var in reversed(thing.owner.inputs):
                stack.extend((",", var))
        elif isinstance(thing, Constant) and hasattr(thing.data, "tobytes"):
            parts.append(hex_digest(thing.data))
        else:
            parts.append(f"{thing}:{getattr(thing, 'type', type(thing).__name__)}")
    return "".join(parts)
