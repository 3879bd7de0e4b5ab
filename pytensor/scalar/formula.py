"""Scalar programs as one line of mathematics, with the brackets that are needed and no others."""

from __future__ import annotations

from collections.abc import Sequence

# Op name -> (sign, precedence, associative). Calls and names bind tighter than any of them.
_INFIX = {
    "or_": (" | ", 1, True),
    "xor": (" ^ ", 2, True),
    "and_": (" & ", 3, True),
    "lt": (" < ", 4, False),
    "gt": (" > ", 4, False),
    "le": (" <= ", 4, False),
    "ge": (" >= ", 4, False),
    "eq": (" == ", 4, False),
    "neq": (" != ", 4, False),
    "add": (" + ", 5, True),
    "sub": (" - ", 5, False),
    "mul": (" * ", 6, True),
    "true_div": (" / ", 6, False),
    "int_div": (" // ", 6, False),
    "mod": (" % ", 6, False),
    "pow": ("**", 8, False),
}
_PREFIX = {"neg": ("-", 7), "invert": ("~", 7)}
_ATOM = 9

Term = tuple[str, int]


def _bracketed(term: Term, needed: int) -> str:
    text, precedence = term
    return text if precedence >= needed else f"({text})"


def atom(text: str) -> Term:
    """Return a name or a number; a negative number binds like a sign."""
    return text, _PREFIX["neg"][1] if text.startswith("-") else _ATOM


def apply(name: str, arguments: Sequence[Term]) -> Term:
    """Return the text of an op on arguments, and how tightly it binds.

    Examples
    --------
    >>> apply("mul", [apply("add", [("a", 9), ("b", 9)]), ("c", 9)])[0]
    '(a + b) * c'
    """
    key = name.lower()
    if key in _PREFIX and len(arguments) == 1:
        sign, precedence = _PREFIX[key]
        return sign + _bracketed(arguments[0], precedence), precedence
    if key in _INFIX and len(arguments) > 1:
        sign, precedence, associative = _INFIX[key]
        first, *others = arguments
        # Without the law of association, what stands right of the sign keeps its brackets.
        parts = [_bracketed(first, precedence + (key == "pow"))]
        parts += [
            _bracketed(term, precedence if associative else precedence + 1) for term in others
        ]
        return sign.join(parts), precedence
    return f"{name}({', '.join(text for text, _ in arguments)})", _ATOM
