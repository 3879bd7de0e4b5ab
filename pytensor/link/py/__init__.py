"""The Python backend: `Op.perform` through a small virtual machine. Needs nothing, runs everything."""

from pytensor.link.py.linker import PyLinker
