"""Linker flags as people write them: `pytensor.link_flags`, where the settings need it too."""

from pytensor.link_flags import LinkFlags, as_flag_text, join_words, parse_flags

__all__ = ["LinkFlags", "as_flag_text", "join_words", "parse_flags"]
