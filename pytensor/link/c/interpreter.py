"""Scalar programs as data: what the interpreter (c_code/vm.c) runs where no compiler shall be run."""

from typing import NamedTuple

__all__ = ["VM_ELEMWISE", "VM_REDUCE", "VM_SCALAR", "Interpreted"]

VM_ELEMWISE, VM_REDUCE, VM_SCALAR = range(3)


class Interpreted(NamedTuple):
    """A kernel of the interpreter and its parameters.

    Parameters
    ----------
    kind : int
        The number of the kernel in the table of the interpreter's object.
    data : bytes
        What it works with; see c_code/vm.h. The driver gives it an aligned, writable copy.
    """

    kind: int
    data: bytes
