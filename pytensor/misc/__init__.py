"""Helpers around graphs that few programs need."""
