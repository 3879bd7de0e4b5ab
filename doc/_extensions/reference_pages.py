"""Write the reference of the site from the docstrings: one page a module, sections by subject.

`autodoc` knows functions and classes; much of `pytensor.tensor` are instances of Ops (`pt.exp`),
which have a docstring of their own as well. Everything public is shown the same way here: how it
is called, then its docstring.
"""

from __future__ import annotations

import importlib
import inspect
import types
from pathlib import Path

from sphinx.ext.napoleon import Config
from sphinx.ext.napoleon.docstring import NumpyDocstring

from pytensor.graph.op import Op
from pytensor.graph.type import Type

# Page title -> module. What a page shows are the module's public names, in its own order of files.
MODULES = {
    "pytensor": "functions, gradients, shared variables, settings",
    "pytensor.tensor": "arrays: making, computing, reshaping, indexing",
    "pytensor.tensor.linalg": "linear algebra",
    "pytensor.tensor.blas": "products as BLAS calls",
    "pytensor.tensor.random": "random variables",
    "pytensor.tensor.special": "softmax, gamma functions",
    "pytensor.tensor.fft": "Fourier transforms",
    "pytensor.tensor.signal": "convolution",
    "pytensor.tensor.interpolate": "interpolation",
    "pytensor.tensor.optimize": "roots and minima inside a graph",
    "pytensor.sparse": "sparse matrices",
    "pytensor.typed_list": "lists of arrays",
    "pytensor.assumptions": "what is known of a matrix",
    "pytensor.d3viz": "graphs as pictures",
    "pytensor.scan": "loops",
    "pytensor.ifelse": "lazy choice",
    "pytensor.gradient": "derivatives",
    "pytensor.compile": "functions, modes, inner graphs",
    "pytensor.graph": "the graph itself",
    "pytensor.graph.rewriting.basic": "how graphs are rewritten",
    "pytensor.printing": "looking at graphs",
    "pytensor.raise_op": "checks inside a graph",
}
SUBJECTS = {
    "_alloc": "Making arrays",
    "_ranges": "Making arrays",
    "_extra_ranges": "Making arrays",
    "_convert": "Making arrays",
    "_diag": "Diagonals and triangles",
    "variable": "Variables and types",
    "type": "Variables and types",
    "_elemwise": "Elementwise",
    "_math_ops": "Elementwise",
    "_functions": "Elementwise",
    "_closeness": "Elementwise",
    "_reductions": "Reductions",
    "_statistics": "Reductions",
    "_careduce": "Reductions",
    "_joining": "Joining and splitting",
    "_make_vector": "Joining and splitting",
    "_reshape": "Shapes",
    "reshape": "Shapes",
    "shape": "Shapes",
    "_shape_ops": "Shapes",
    "_dimshuffle": "Shapes",
    "_specify": "Shapes",
    "_axes": "Shapes",
    "_extra_broadcast": "Shapes",
    "subtensor": "Indexing",
    "_extra_index": "Indexing",
    "_selection": "Indexing",
    "sort": "Sorting and sets",
    "extra_ops": "Differences, counts, sets",
    "_dot": "Products",
    "einsum": "Products",
    "blockwise": "Batches",
    "functional": "Batches",
}
NAPOLEON = Config(napoleon_use_param=True, napoleon_use_rtype=False, napoleon_use_ivar=True)


def public_names(module: types.ModuleType) -> list[str]:
    """Return what a module offers: its `__all__`, or its names without modules and privates."""
    names = getattr(module, "__all__", None)
    if names is None:
        names = [name for name in vars(module) if not name.startswith("_")]
    known = {name: getattr(module, name) for name in dict.fromkeys(names) if hasattr(module, name)}
    return [name for name, value in known.items() if is_shown(value)]


def is_shown(value: object) -> bool:
    """Tell whether something is the package's own and has a docstring of its own."""
    if isinstance(value, types.ModuleType) or not callable(value):
        return False
    home = getattr(value, "__module__", None) or ""
    return home.startswith("pytensor") and bool(own_doc(value))


def own_doc(value: object) -> str:
    """Return the docstring of a function or class; of an instance, if it is about this one.

    That of its class is, if it has an example (`pt.random.normal`), unless there are many like it.
    """
    text = inspect.cleandoc(value.__doc__) if isinstance(value.__doc__, str) else ""
    inherited = not isinstance(value, type | types.FunctionType | types.BuiltinFunctionType)
    if inherited and value.__doc__ == type(value).__doc__:
        return "" if isinstance(value, Type) or ">>> " not in text else text
    return text


def signature(value: object) -> str:
    """Return how a thing is called, as text."""
    scalar = getattr(value, "scalar_op", None)
    if scalar is not None:
        return {1: "(x)", 2: "(x, y)", 3: "(x, y, z)"}.get(getattr(scalar, "nin", -1), "(*inputs)")
    # A call of an Op takes what `make_node` does, unless its class says otherwise.
    plain_op = isinstance(value, Op) and type(value).__call__ is Op.__call__
    try:
        core = getattr(value, "core_op", value)
        full = inspect.signature(core.make_node if plain_op else value)
    except (TypeError, ValueError):
        return "(*inputs)"
    bare = [each.replace(annotation=inspect.Parameter.empty) for each in full.parameters.values()]
    return str(inspect.Signature(bare))


def subject_of(value: object) -> str:
    """Return the section of a name: by the file that defines it."""
    if getattr(value, "scalar_op", None) is not None:
        return "Elementwise"
    home = value.__module__.removeprefix("pytensor.tensor").lstrip(".").split(".")[0]
    return SUBJECTS.get(home, "More")


def entry(names: list[str], value: object) -> list[str]:
    """Return the directive of one thing under all its names, its docstring inside."""
    is_class = isinstance(value, type)
    kind = "class" if is_class else "function"
    body = str(NumpyDocstring(own_doc(value), NAPOLEON, what=kind, name=names[0], obj=value))
    called = [name + signature(value) for name in names]
    lines = [f".. py:{kind}:: {called[0]}", *(" " * 10 + text for text in called[1:]), ""]
    lines += ["   " + line if line else "" for line in body.splitlines()]
    return [*lines, *(methods(value) if is_class else ()), ""]


def methods(cls: type) -> list[str]:
    """Return one line for each method that the class itself defines and explains."""
    own = [
        (name, inspect.cleandoc(value.__doc__).splitlines()[0])
        for name, value in vars(cls).items()
        if not name.startswith("_") and inspect.isfunction(value) and value.__doc__
    ]
    if not own:
        return []
    return ["", "   Methods:", "", *(f"   - `{name}`: {first}" for name, first in own)]


def homes(modules: dict[str, types.ModuleType]) -> dict[int, str]:
    """Return for each thing (by identity) the one page that shows it.

    The first page has what users import from there; otherwise it is the page that lies nearest to
    the file of the definition.
    """
    found: dict[int, tuple[int, str]] = {}
    for page_name, module in modules.items():
        for name in public_names(module):
            value = getattr(module, name)
            inside = f"{value.__module__}.".startswith(f"{page_name}.")
            nearness = 99 if page_name == "pytensor" else inside * page_name.count(".")
            if nearness > found.get(id(value), (-1, ""))[0]:
                found[id(value)] = nearness, page_name
    return {key: page_name for key, (_, page_name) in found.items()}


def page(module_name: str, module: types.ModuleType, home: dict[int, str]) -> str:
    """Return the page of a module."""
    about = MODULES[module_name]
    title = f"{module_name}: {about}"
    lines = [title, "=" * len(title), "", f".. py:module:: {module_name}", ""]
    sections: dict[str, dict[int, list[str]]] = {}
    for name in public_names(module):
        value = getattr(module, name)
        if home[id(value)] != module_name:
            continue
        subject = subject_of(value) if module_name == "pytensor.tensor" else ""
        sections.setdefault(subject, {}).setdefault(id(value), []).append(name)
    order = {subject: place for place, subject in enumerate(dict.fromkeys(SUBJECTS.values()))}
    for subject in sorted(sections, key=lambda each: order.get(each, len(order))):
        if subject:
            lines += [subject, "-" * len(subject), ""]
        for names in sorted(sections[subject].values(), key=lambda names: names[0].lower()):
            lines += entry(names, getattr(module, names[0]))
    return "\n".join(lines)


def write_pages(app) -> None:
    """Write `reference/*.rst`; a file that would not change keeps its time (Sphinx then skips it)."""
    folder = Path(app.srcdir) / "reference"
    folder.mkdir(exist_ok=True)
    modules = {name: importlib.import_module(name) for name in MODULES}
    home = homes(modules)
    for name, module in modules.items():
        text = page(name, module, home)
        path = folder / f"{name}.rst"
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
    contents = ["Reference", "=========", "", ".. toctree::", "   :maxdepth: 1", ""]
    contents += [f"   {module}" for module in MODULES]
    index = folder / "index.rst"
    text = "\n".join(contents) + "\n"
    if not index.exists() or index.read_text(encoding="utf-8") != text:
        index.write_text(text, encoding="utf-8")


def setup(app) -> dict[str, bool]:
    app.connect("builder-inited", write_pages)
    return {"parallel_read_safe": True}
