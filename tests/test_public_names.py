"""The public surface of PyTensor v3: every name of the tiers we have reached imports.

`public_names.tsv` holds tier, module, name and kind. `public_names_missing.txt` lists the names of
those tiers that are still to come; the test fails when the list is longer than the truth, too.
"""

import importlib
import pathlib

HERE = pathlib.Path(__file__).resolve().parent
TIERS = {"T0", "T1", "T2", "T3"}


def expected() -> set[str]:
    rows = [line.split("\t") for line in (HERE / "public_names.tsv").read_text().splitlines()[1:]]
    return {f"{row[1]}:{row[2]}" for row in rows if row[0] in TIERS and row[3] != "unimportable"}


def missing() -> set[str]:
    """Names that `from module import name` cannot reach now."""
    gone = set()
    for full in expected():
        module, name = full.split(":")
        try:
            owner = importlib.import_module(module)
        except ModuleNotFoundError:
            gone.add(full)
            continue
        if not hasattr(owner, name):
            gone.add(full)
    return gone


def test_public_names():
    known = set((HERE / "public_names_missing.txt").read_text().split())
    now = missing()
    assert not now - known, f"names that were importable are gone: {sorted(now - known)}"
    assert not known - now, f"importable now, take them off the list: {sorted(known - now)}"


if __name__ == "__main__":
    (HERE / "public_names_missing.txt").write_text("\n".join(sorted(missing())) + "\n")
