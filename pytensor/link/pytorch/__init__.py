"""The pytorch backend."""

from pytensor.link.pytorch.linker import PytorchLinker
