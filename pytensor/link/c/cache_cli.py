"""``pytensor-cache``: what is in the compile cache, and how to empty it."""

import argparse
import shutil
import sys
import time
from pathlib import Path

from pytensor.configdefaults import config
from pytensor.link.c.cache import get_cache


def _entries(directory: Path) -> list[Path]:
    return sorted(directory.glob("*.so")) if directory.is_dir() else []


def main(argv: list[str] | None = None) -> int:
    """Run the command.

    Parameters
    ----------
    argv : list of str, optional
        ``["info"]`` (the default), ``["clear"]`` or ``["purge", "--days", "30"]``.
    """
    parser = argparse.ArgumentParser(prog="pytensor-cache", description=__doc__)
    parser.add_argument("action", nargs="?", default="info", choices=["info", "clear", "purge"])
    parser.add_argument("--days", type=float, default=30.0, help="purge: keep what is younger")
    options = parser.parse_args(argv)
    directory = Path(config.compiledir) / "c"
    entries = _entries(directory)
    if options.action == "info":
        size = sum(entry.stat().st_size for entry in entries)
        print(f"{directory}: {len(entries)} objects, {size / 1e6:.1f} MB")
        cache = get_cache()
        print("in use" if cache.persistent else f"not in use: {cache.reason}")
        return 0
    oldest = time.time() - 86400 * options.days
    gone = 0
    for entry in entries:
        if options.action == "clear" or entry.lstat().st_mtime < oldest:
            entry.unlink(missing_ok=True)
            gone += 1
    if options.action == "clear":
        # What the compiler of the ziglang package keeps.
        shutil.rmtree(directory / "zig", ignore_errors=True)
    print(f"{directory}: removed {gone} of {len(entries)} objects")
    return 0


if __name__ == "__main__":
    sys.exit(main())
