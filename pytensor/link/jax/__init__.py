"""The jax backend."""

from pytensor.link.jax.linker import JAXLinker
