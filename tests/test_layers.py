"""Imports point one way: a module may import its own layer and those above it in this list."""

import ast
import pathlib

import pytest

PACKAGE = pathlib.Path(__file__).resolve().parents[1] / "pytensor"

# From the ground up. A module belongs to the longest prefix that matches it.
LAYERS = [
    [
        "pytensor.utils",
        "pytensor.configparser",
        "pytensor.configdefaults",
        "pytensor.link_flags",
        "pytensor.version",
    ],
    ["pytensor.graph", "pytensor.compile.sharedvalue"],
    ["pytensor.graph.rewriting"],
    ["pytensor.scalar"],
    ["pytensor.tensor", "pytensor.raise_op", "pytensor.ifelse", "pytensor.conditional"],
    [
        "pytensor.gradient",
        "pytensor.tensor.rewriting",
        "pytensor.tensor.random.rewriting",
        "pytensor.assumptions",
    ],
    [
        "pytensor.link.basic",
        "pytensor.link.backends",
        "pytensor.link.utils",
        "pytensor.link.schedule",
        "pytensor.link.to_python",
    ],
    ["pytensor.compile"],
    [
        "pytensor.scan",
        "pytensor.sparse",
        "pytensor.typed_list",
        "pytensor.tensor.optimize",
        "pytensor.tensor._optimize_ops",
    ],
    ["pytensor.link"],
    ["pytensor.printing", "pytensor.d3viz"],
    ["pytensor", "pytensor.__main__"],
]

# (importer, imported): why this back-edge is there.
EXCEPTIONS: dict[tuple[str, str], str] = {}


def rank(module: str) -> int:
    best, found = -1, None
    for index, prefixes in enumerate(LAYERS):
        for prefix in prefixes:
            if (module == prefix or module.startswith(prefix + ".")) and len(prefix) > best:
                best, found = len(prefix), index
    assert found is not None, f"{module} has no layer"
    return found


def module_name(path: pathlib.Path) -> str:
    parts = ["pytensor", *path.relative_to(PACKAGE).with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(p): p for p in sorted(PACKAGE.rglob("*.py"))}


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def imports_of(tree: ast.AST):
    """Yield (line, imported module), names resolved to submodules, type-only imports skipped."""
    stack = [tree]
    while stack:
        node = stack.pop()
        if is_type_checking(node):
            stack.extend(node.orelse)
            continue
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield node.lineno, full if full in MODULES else node.module
        stack.extend(ast.iter_child_nodes(node))


def back_edges():
    for module, path in MODULES.items():
        for line, imported in imports_of(ast.parse(path.read_text())):
            if imported.split(".")[0] == "pytensor" and imported in MODULES:
                if rank(imported) > rank(module):
                    yield module, imported, line


def test_imports_point_one_way():
    bad = [
        f"{module}:{line} imports {imported}"
        for module, imported, line in back_edges()
        if (module, imported) not in EXCEPTIONS
    ]
    assert not bad, "\n".join(sorted(bad))


def test_no_stale_exception():
    used = {(module, imported) for module, imported, _ in back_edges()}
    assert not set(EXCEPTIONS) - used


@pytest.mark.parametrize("low, high", [("pytensor.graph.basic", "pytensor.tensor.math")])
def test_the_check_can_fail(low, high):
    assert rank(low) < rank(high)
