"""The C backend: whole graphs become one plain-C translation unit, run by one small driver."""
