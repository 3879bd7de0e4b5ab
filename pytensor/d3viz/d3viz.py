"""Write a graph as a page to look at, or as DOT."""

from __future__ import annotations

import json
from html import escape
from pathlib import Path

from pytensor.d3viz.formatting import PyDotFormatter

__all__ = ["d3viz", "d3write"]

_HERE = Path(__file__).parent
_PAGE = """<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>{title}</title><style>
{style}
</style></head>
<body>
<header><b>{title}</b> <span id="legend"></span>
<span id="hint">wheel: zoom, drag: move; click a thick border: the graph inside</span></header>
<svg id="picture"></svg><pre id="about"></pre>
<script id="graph" type="application/json">{data}</script>
<script>
{script}
</script>
</body>
</html>
"""


def _json(model) -> str:
    """JSON that cannot end the element of the page it stands in."""
    text = json.dumps(model)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def d3viz(fct, outfile: Path | str, copy_deps: bool = True, *args, **kwargs) -> None:
    """Write a page on which the graph can be moved, zoomed and asked about.

    Inputs are green, outputs blue, constants gray, shared variables yellow; operations are ellipses
    with a color of their kind. A blue edge says that the result is a view of that operand, a red one
    that the operand is overwritten. What an operation is, its types and the user's line show under
    the pointer; a click on an operation with a graph inside (loops, `OpFromGraph`) opens that.

    Parameters
    ----------
    fct : Function, FunctionGraph, Variable, Apply, or a sequence of variables
        Of a function with a profile, the time of each node is shown, too.
    outfile : path
        The page, one file that needs no network.
    copy_deps : bool
        Accepted for compatibility: style and script are always part of the page.
    *args, **kwargs
        For `PyDotFormatter`: ``compact=False`` shows intermediate variables.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> import pytensor.tensor as pt
    >>> from pytensor.d3viz import d3viz
    >>> x = pt.dvector("x")
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "graph.html"
    >>> d3viz(pt.exp(x).sum(), path)
    >>> "exp" in path.read_text().lower()
    True
    """
    model = PyDotFormatter(*args, **kwargs).model(fct)
    page = _PAGE.format(
        title=escape(str(getattr(fct, "name", None) or "graph")),
        style=(_HERE / "viewer.css").read_text(encoding="utf-8"),
        script=(_HERE / "viewer.js").read_text(encoding="utf-8"),
        data=_json(model),
    )
    Path(outfile).write_text(page, encoding="utf-8")


def d3write(fct, path: Path | str, *args, **kwargs) -> None:
    """Write the graph in the DOT language; arguments as of `d3viz`."""
    Path(path).write_text(PyDotFormatter(*args, **kwargs).text(fct), encoding="utf-8")
