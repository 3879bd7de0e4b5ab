"""Decorators that register a node rewriter with a stage.

Each is used plain (``@register_specialize``), with tags (``@register_specialize("shape")``)
or as a function (``register_specialize(rewriter, "inplace", name="...")``).
"""

from __future__ import annotations

from collections.abc import Callable

from pytensor.graph.rewriting.db import RewriteDatabase
from pytensor.graph.rewriting.rewriters import NodeRewriter, Rewriter
from pytensor.graph.rewriting.stages import optdb


def _register(
    database: RewriteDatabase,
    node_rewriter: RewriteDatabase | Rewriter | str | None,
    tags: tuple,
    default_tags: tuple[str, ...],
    kwargs: dict,
):
    if node_rewriter is None or isinstance(node_rewriter, str):
        all_tags = tags if node_rewriter is None else (node_rewriter, *tags)
        return lambda inner: _register(database, inner, all_tags, default_tags, kwargs)
    kwargs = dict(kwargs)
    name = kwargs.pop("name", None) or _name_of(node_rewriter)
    database.register(name, node_rewriter, *default_tags, *tags, **kwargs)
    return node_rewriter


def _name_of(rewriter) -> str:
    return getattr(rewriter, "__name__", None) or rewriter.name or str(rewriter)


def _registrar(stage: str, default_tags: tuple[str, ...], doc: str) -> Callable:
    def register(node_rewriter: RewriteDatabase | NodeRewriter | str = None, *tags: str, **kwargs):
        return _register(_database(stage), node_rewriter, tags, default_tags, kwargs)

    register.__name__ = register.__qualname__ = f"register_{stage}"
    register.__doc__ = doc
    return register


def _database(stage: str) -> RewriteDatabase:
    # `useless` is one walk over the graph; its rules are in the database that it walks with.
    found = RewriteDatabase.__getitem__(optdb, stage)
    return found.db if stage == "useless" else found


register_useless = _registrar(
    "useless", ("fast_run",), "Register a rule that removes what does nothing."
)
register_canonicalize = _registrar(
    "canonicalize", ("fast_run", "fast_compile"), "Register a rule that gives one spelling."
)
register_stabilize = _registrar(
    "stabilize", ("fast_run",), "Register a rule that avoids overflow or rounding."
)
register_specialize = _registrar(
    "specialize", ("fast_run",), "Register a rule for a faster special case."
)
register_uncanonicalize = _registrar(
    "uncanonicalize", ("fast_run",), "Register a rule that gives the spelling that runs fastest."
)
register_specialize_device = _registrar(
    "specialize_device", ("fast_run",), "Register a rule for the target backend."
)
register_blas = _registrar(
    "blas", ("fast_run", "BlasOpt"), "Register a rule that makes a BLAS call."
)
register_blas_prepare = _registrar(
    "blas_prepare",
    ("fast_run", "BlasOpt"),
    "Register a rule that clears the way for the rules of `register_blas`.",
)
register_infer_shape = _registrar(
    "infer_shape", ("infer_shape",), "Register a rule that simplifies expressions of shapes."
)
