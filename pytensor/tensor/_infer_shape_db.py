"""The rules that simplify expressions of shapes, as a database of their own."""

from __future__ import annotations

from pytensor.graph.rewriting.stages import optdb


class CachedEquilibrimDB:
    """A view of the canonicalization rules that are tagged ``infer_shape``.

    The misspelling is the name that clients know.
    """

    default_tags = ("+infer_shape",)

    @property
    def default_query(self):
        """The graph rewriter made of these rules."""
        return self.query(*self.default_tags)

    def query(self, *tags, **kwtags):
        """Return the graph rewriter made of the rules with `tags`."""
        return optdb["canonicalize"].query(*tags, **kwtags)


infer_shape_db = CachedEquilibrimDB()


def register_infer_shape(rewrite, *tags, **kwargs):
    """Tag a rule as one that helps to simplify shape expressions."""
    if isinstance(rewrite, str):
        return lambda inner: register_infer_shape(inner, rewrite, *tags, **kwargs)
    name = kwargs.get("name") or getattr(rewrite, "name", None) or rewrite.__name__
    stage = optdb["canonicalize"]
    if name in stage:
        stage.add_tags(name, "infer_shape", *tags)
    else:
        stage.register(name, rewrite, "infer_shape", *tags)
    return rewrite
