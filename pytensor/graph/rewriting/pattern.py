"""The language rewrite rules are written in: an identity, its conditions, what to put instead.

    X, Y, Z = matrices("X Y Z")
    alpha, beta = coefficients("alpha beta")

    @rule(beta * Z + alpha * (X @ Y), when=[one_float_dtype(Z, X, Y)], view=...)
    def local_add_dot_to_gemm(Z, alpha, X, Y, beta): ...

A pattern is a sum of coefficient x core; a core is a symbol or a product of symbols. What
that means for a node is decided by the view a rule is given (for arrays,
`pytensor.tensor.rewriting.algebra`): this module only knows how to write patterns down.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from pytensor.graph.rewriting.rewriters import NodeRewriter, matches_tracks
from pytensor.graph.rewriting.trace import current_trace


class _Record:
    """A value: equal to those of its class with equal fields, which are its annotations.

    (`dataclass` would compile four functions for each class, in every process that needs a rule.)
    """

    def __init__(self, *values: Any, **named: Any):
        names = list(type(self).__annotations__)
        given = dict(zip(names, values)) | named
        for name in names:
            # A field that is not given has a default, on the class.
            object.__setattr__(
                self, name, given.pop(name) if name in given else getattr(self, name)
            )
        if given or len(values) > len(names):
            raise TypeError(f"[{type(self).__name__}] takes {names}, got {values} and {named}")

    def __setattr__(self, name: str, value: Any):
        raise AttributeError(f"[{type(self).__name__}] {name} must not be changed")

    def __eq__(self, other):
        return vars(self) == vars(other) if type(self) is type(other) else NotImplemented

    def __hash__(self):
        return hash((type(self), *vars(self).values()))

    def __repr__(self):
        fields = ", ".join(f"{name}={value!r}" for name, value in vars(self).items())
        return f"{type(self).__name__}({fields})"


class Expression(_Record):
    """A pattern; combine patterns with ``+``, ``*`` (by a coefficient) and ``@``."""

    def __add__(self, other: Expression) -> Sum:
        return Sum((*_terms(self), *_terms(other)))

    def __matmul__(self, other: Expression) -> Product:
        return Product("@", (self, other))


class Symbol(Expression):
    """A named array of `ndim` axes, any number if that is ``None``."""

    name: str
    ndim: int | None = None

    @property
    def T(self) -> Transposed:
        """The transpose of what this symbol stands for elsewhere in the pattern."""
        return Transposed(self)

    @property
    def H(self) -> Transposed:
        """The conjugate transpose of what this symbol stands for elsewhere in the pattern."""
        return Transposed(self, conjugated=True)


class Transposed(Expression):
    """The transpose of what `symbol` stands for; the pattern must have the symbol itself too."""

    symbol: Symbol
    conjugated: bool = False

    @property
    def ndim(self) -> int | None:
        return self.symbol.ndim


class CoefficientSymbol(_Record):
    """A named scalar factor; 1 where the expression has none."""

    name: str

    def __mul__(self, core: Expression) -> Sum:
        if not isinstance(core, Symbol | Product):
            raise TypeError(f"[rule] a coefficient must scale a symbol or a product, got {core}")
        return Sum((Term(self.name, core),))


class Product(Expression):
    """A product of arrays, by the name of the kind of product: ``"@"`` or ``"outer"``."""

    kind: str
    args: tuple[Any, ...]


class Term(_Record):
    """Coefficient x core; `coefficient` is ``None`` where only 1 will do."""

    coefficient: str | None
    core: Any


class Sum(Expression):
    """A sum of terms."""

    terms: tuple[Term, ...]


def _terms(expression: Expression) -> tuple[Term, ...]:
    return expression.terms if isinstance(expression, Sum) else (Term(None, expression),)


def arrays(names: str, ndim: int | None = None) -> tuple[Symbol, ...]:
    """Return symbols for arrays of `ndim` axes, one per name in `names`."""
    return tuple(Symbol(name, ndim) for name in names.split())


matrices = functools.partial(arrays, ndim=2)
vectors = functools.partial(arrays, ndim=1)


def coefficients(names: str) -> tuple[CoefficientSymbol, ...]:
    """Return symbols for scalar factors, one per name in `names`."""
    return tuple(CoefficientSymbol(name) for name in names.split())


def outer(x: Symbol, y: Symbol) -> Product:
    """Return the pattern of the outer product of two vectors."""
    return Product("outer", (x, y))


class Guard(_Record):
    """A named condition on what some symbols stand for."""

    name: str
    holds: Callable[..., bool]
    symbols: tuple[str, ...]

    def __call__(self, bindings: dict[str, Any]) -> bool:
        return self.holds(*(bindings[name] for name in self.symbols))


def guard(predicate: Callable[..., bool]) -> Callable[..., Guard]:
    """Turn a predicate of bound values into a guard to be called with symbols.

    Examples
    --------
    >>> @guard
    ... def same_dtype(x, y):
    ...     return x.dtype == y.dtype
    >>> X, Y = matrices("X Y")
    >>> same_dtype(X, Y).name
    'same_dtype'
    """

    @functools.wraps(predicate)
    def of_symbols(*symbols: Symbol | CoefficientSymbol) -> Guard:
        return Guard(predicate.__name__, predicate, tuple(symbol.name for symbol in symbols))

    return of_symbols


class View(Protocol):
    """How rules see a node."""

    def tracks(self, terms: Sequence[Term]) -> Sequence:
        """Return the ops at which an expression of that form can end."""

    def apply(self, rule: Rule, fgraph, node):
        """Match `rule` at `node` and return the replacements, or ``None``."""


class Rule(NodeRewriter):
    """A node rewriter that reads as an identity.

    Parameters
    ----------
    pattern
        The left side.
    guards
        Conditions, checked in order; the trace names the first that says no.
    body
        The right side, called with the symbols' names as keywords; may return ``None``.
    view
        How the rule sees nodes.
    """

    # `transform` is no more than a look at the tracks and a call of `fn`.
    calls_fn = True

    def __init__(self, pattern: Expression, guards: Sequence[Guard], body: Callable, view: View):
        self.pattern = pattern
        self.terms = _terms(pattern)
        self.products = tuple(t for t in self.terms if isinstance(t.core, Product))
        self.others = tuple(t for t in self.terms if not isinstance(t.core, Product))
        self.guards = tuple(guards)
        self.body = body
        self.view = view
        self._tracks = list(view.tracks(self.terms))
        self.fn = functools.partial(view.apply, self)
        functools.update_wrapper(self, body, updated=())
        self.name = body.__name__

    def tracks(self):
        return self._tracks

    def transform(self, fgraph, node, enforce_tracks: bool = True):
        if enforce_tracks and not matches_tracks(node.op, self._tracks):
            return False
        return self.fn(fgraph, node)

    def accepts(self, node, bindings: dict[str, Any], core=None) -> bool:
        """Return whether all guards hold; `refuse` with the first that does not."""
        for condition in self.guards:
            if not condition(bindings):
                self.refuse(node, condition.name, core)
                return False
        return True

    def refuse(self, node, reason: str, core=None) -> None:
        """Note why the rule does not apply to `node`: in the trace, and on `core`.

        The note on the core (the first stays) is what can be told about a graph after it was
        compiled without a trace.
        """
        if core is not None and getattr(core.tag, "refused", None) is None:
            core.tag.refused = (self.name, reason)
        trace = current_trace()
        if trace is not None:
            trace.refused(self, node, reason)

    def __call__(self, **bindings):
        return self.body(**bindings)

    def __str__(self):
        return self.name


def rule(
    pattern: Expression, when: Sequence[Guard] = (), *, view: View
) -> Callable[[Callable], Rule]:
    """Turn a function into a `Rule` that replaces `pattern` by what the function returns."""

    def decorate(body: Callable) -> Rule:
        return Rule(pattern, when, body, view)

    return decorate
