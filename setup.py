"""Compiles the driver and the ready-made kernels, if there is a C compiler.

Everything else is in pyproject.toml. Without a compiler, or without the headers of Python, the
package is installed all the same: what is missing is built when it is first needed, in the cache.
"""

import os
import subprocess
import sys
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

ROOT = Path(__file__).resolve().parent
HOME = Path("pytensor", "link", "c")


class BuildShipped(build_ext):
    """Let the package compile its own parts: it knows the compilers and the flags."""

    def run(self) -> None:
        in_place = self.inplace or getattr(self, "editable_mode", False)
        place = (ROOT if in_place else Path(self.build_lib).resolve()) / HOME
        path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
        try:
            subprocess.run(
                [sys.executable, "-m", "pytensor.link.c.shipped", str(place)],
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": path},
                check=True,
                timeout=600,
            )
        except (OSError, subprocess.SubprocessError) as error:
            self.warn(f"the C driver is not shipped, it is built at the first use: {error}")

    def _objects(self) -> list[Path]:
        built = Path(self.build_lib) / HOME / "_built"
        # None, if the directory was not made.
        return sorted(path for kind in ("*.so", "*.index", "*.txt") for path in built.glob(kind))

    def get_outputs(self) -> list[str]:
        return [str(path) for path in self._objects()]

    def get_output_mapping(self) -> dict[str, str]:
        return {str(path): str(HOME / "_built" / path.name) for path in self._objects()}


setup(
    # Not built from a list of sources: it says that the wheel depends on the platform.
    ext_modules=[Extension("pytensor.link.c._built", sources=[], optional=True)],
    cmdclass={"build_ext": BuildShipped},
)
