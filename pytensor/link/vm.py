"""`VMLinker` under the path client code imports it from."""

from pytensor.link.py.linker import PyLinker
from pytensor.link.py.vm import PyProgram

VMLinker = PyLinker
VM = PyProgram
