"""Modes and tools that watch a function run."""
