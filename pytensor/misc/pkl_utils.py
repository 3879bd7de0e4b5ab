"""Pickling without what only helps to find mistakes."""

from __future__ import annotations

import pickle

from pytensor.graph.utils import Scratchpad

__all__ = ["StripPickler"]

_REMOVED = ("trace", "test_value")


class StripPickler(pickle.Pickler):
    """A pickler that leaves out where variables were made.

    Variables remember the user's line in ``tag.trace``, for error messages; in a file this is
    dead weight, and it names paths.

    Parameters
    ----------
    file
        Where to write, opened for bytes.
    protocol : int
        Of the pickle; negative for the newest.
    extra_tag_to_remove : str, optional
        A further attribute of tags to leave out.

    Examples
    --------
    >>> import io
    >>> import pytensor.tensor as pt
    >>> from pytensor.misc.pkl_utils import StripPickler
    >>> StripPickler(io.BytesIO(), protocol=-1).dump({"x": pt.vector("x")})
    """

    def __init__(self, file, protocol: int = 0, extra_tag_to_remove: str | None = None):
        super().__init__(file, protocol)
        self.tag_to_remove = (*_REMOVED, *([extra_tag_to_remove] if extra_tag_to_remove else ()))

    def reducer_override(self, obj):
        """Leave attributes out of tags, and nothing else."""
        if not isinstance(obj, Scratchpad):
            return NotImplemented
        kept = {k: v for k, v in vars(obj).items() if k not in self.tag_to_remove}
        return type(obj), (), kept
