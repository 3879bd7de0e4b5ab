"""Signals: convolution of vectors and of matrices."""

from pytensor.tensor.signal.conv import convolve1d, convolve2d

__all__ = ["convolve1d", "convolve2d"]
