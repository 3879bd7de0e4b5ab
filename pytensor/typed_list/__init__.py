"""Symbolic lists of values of one type."""

from pytensor.typed_list.basic import (
    Append,
    Count,
    Extend,
    GetItem,
    Index,
    Insert,
    Length,
    MakeList,
    Remove,
    Reverse,
    TypedListConstant,
    TypedListVariable,
    append,
    count,
    extend,
    getitem,
    index_,
    insert,
    length,
    make_list,
    remove,
    reverse,
)
from pytensor.typed_list.type import TypedListType

__all__ = [
    *("Append", "Count", "Extend", "GetItem", "Index", "Insert", "Length", "MakeList", "Remove"),
    *("Reverse", "TypedListConstant", "TypedListType", "TypedListVariable"),
    *("append", "count", "extend", "getitem", "index_", "insert", "length", "make_list"),
    *("remove", "reverse"),
]
