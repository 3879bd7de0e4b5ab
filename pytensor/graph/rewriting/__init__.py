"""How expressions change: node rewriters, the drivers that apply them, and the stages.

`basic` holds the public names of rewriters, `db` the registries, `stages` the named
list of stages a graph goes through, `pattern` the language rules are written in and
`trace` the record of what fired and what declined.
"""

from pytensor.utils import late as _late


def __getattr__(name: str):
    # `rewrite_graph` needs the stages, which import modules of this package.
    if name == "rewrite_graph":
        return _late("pytensor.graph.rewriting.utils:rewrite_graph")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
