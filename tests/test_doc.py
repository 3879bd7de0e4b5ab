"""The pages in ``doc/``: their Python runs, their links lead somewhere, what they name exists."""

import pathlib
import re

import pytest

import pytensor

ROOT = pathlib.Path(__file__).resolve().parents[1]
PAGES = sorted((ROOT / "doc").glob("*.md"))
FENCED = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


def with_python():
    return [page for page in PAGES if FENCED.search(page.read_text(encoding="utf-8"))]


@pytest.mark.parametrize("page", with_python(), ids=lambda page: page.name)
def test_python_of_a_page_runs(page, capsys):
    """The blocks of a page are one program, compiled without C: that is tested elsewhere."""
    namespace: dict = {}
    text = page.read_text(encoding="utf-8")
    with pytensor.config.change_flags(linker="py"):
        for block in FENCED.finditer(text):
            line = text.count("\n", 0, block.start(1))
            # Lines are those of the page, in errors too.
            exec(compile("\n" * line + block[1], str(page), "exec"), namespace)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_of_a_page_lead_somewhere(page):
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        if "://" not in target and not target.startswith("reference/"):  # made with the site
            assert (page.parent / target).exists(), target


def test_pages_are_there():
    assert {"blas.md", "migration.md"} <= {page.name for page in PAGES}


def test_files_that_the_pages_name_are_there():
    for page in PAGES:
        for name in re.findall(r"`((?:pytensor|benchmarks)/[\w./]+)`", page.read_text()):
            if not name.startswith("benchmarks/results/"):  # may be yet to be measured
                assert (ROOT / name).exists(), f"{page.name}: {name}"


def test_every_old_name_is_in_the_migration_page():
    names = pytest.importorskip("pytensor.tensor.rewriting.blas_names")
    text = (ROOT / "doc" / "migration.md").read_text(encoding="utf-8")
    elsewhere = {"Dot", "optdb", "_matmul", "_batched_dot", "_dot22", "_dot22scalar"}
    own = [
        n for n in names.__all__ if n not in elsewhere and not n.startswith(("gem", "ger", "cg"))
    ]
    assert not [n for n in own if n not in text and n != "local_ger_to_gemm"]
