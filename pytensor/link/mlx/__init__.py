"""The mlx backend."""

from pytensor.link.mlx.linker import MLXLinker
