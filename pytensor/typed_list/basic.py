"""Variables that are lists, and what Python's lists can do.

Every Op returns a new list unless it is made with ``inplace=True``; the elements are not copied.
There are no derivatives.
"""

from __future__ import annotations

import numpy as np

from pytensor.graph.basic import Apply, Constant, Variable
from pytensor.graph.op import Op
from pytensor.tensor.basic import as_tensor_variable
from pytensor.tensor.type import TensorType, discrete_dtypes
from pytensor.tensor.type_other import SliceType, make_slice
from pytensor.typed_list.type import TypedListType


class _typed_list_py_operators:
    """The methods of lists."""

    def __getitem__(self, index):
        return getitem(self, index)

    def __len__(self):
        raise TypeError(
            "Cannot call len(TypedList). Use `.length()` method instead for the symbolic "
            "equivalent."
        )

    def append(self, toAppend):
        """The list with an element more."""
        return append(self, toAppend)

    def extend(self, toAppend):
        """The list with the elements of another behind it."""
        return extend(self, toAppend)

    def insert(self, index, toInsert):
        """The list with an element more, before position `index`."""
        return insert(self, index, toInsert)

    def remove(self, toRemove):
        """The list without the first element that is equal to `toRemove`."""
        return remove(self, toRemove)

    def reverse(self):
        """The list from its end to its beginning."""
        return reverse(self)

    def count(self, elem):
        """How many elements are equal to `elem`."""
        return count(self, elem)

    def ind(self, elem):
        """The position of the first element that is equal to `elem`."""
        return index_(self, elem)

    def length(self):
        """How many elements there are."""
        return length(self)

    ttype = property(lambda self: self.type.ttype, doc="The type of the elements.")


class TypedListVariable(_typed_list_py_operators, Variable):
    """A symbolic list."""


class TypedListConstant(_typed_list_py_operators, Constant):
    """A list known when the graph is built."""

    def signature(self):
        return self.type, id(self.data)


TypedListType.variable_type = TypedListVariable
TypedListType.constant_type = TypedListConstant


def _int64():
    return TensorType("int64", shape=())()


class _ListOp(Op):
    """What Ops on lists share."""

    __props__: tuple = ()

    def __str__(self):
        return type(self).__name__

    def _list(self, x, name: str = "x"):
        if not isinstance(x, Variable) or not isinstance(x.type, TypedListType):
            raise TypeError(f"[{self}] {name} must be a typed list, got {x!r}")
        return x

    def _element(self, x, elem, name: str):
        """`elem` as a variable of the elements' type."""
        try:
            return x.type.ttype.filter_variable(elem)
        except TypeError as error:
            raise TypeError(
                f"[{self}] {name} must be of type {x.type.ttype}, got {getattr(elem, 'type', elem)}"
            ) from error


def _position(x, elem, ttype) -> int | None:
    return next((i for i, v in enumerate(x) if ttype.values_eq(v, elem)), None)


class GetItem(_ListOp):
    """An element, or the list of a slice.

    Examples
    --------
    >>> getitem(make_list([pt.constant([1, 2]), pt.constant([3, 4])]), 1).eval().tolist()
    [3, 4]
    """

    view_map = {0: [0]}

    def make_node(self, x, index):
        x = self._list(x)
        if isinstance(index, slice):
            index = make_slice(index)
        if isinstance(index, Variable) and isinstance(index.type, SliceType):
            return Apply(self, [x, index], [x.type()])
        index = as_tensor_variable(index)
        if index.type.ndim != 0 or index.type.dtype not in discrete_dtypes:
            raise TypeError(f"[GetItem] index must be a scalar or a slice, got {index.type}")
        return Apply(self, [x, index], [x.type.ttype()])

    def perform(self, node, inputs, output_storage):
        x, index = inputs
        output_storage[0][0] = x[index if isinstance(index, slice) else int(index)]


class _InplaceListOp(_ListOp):
    """An Op that returns a changed list: the input's own if `inplace`."""

    __props__ = ("inplace",)

    def __init__(self, inplace=False):
        self.inplace = inplace
        if inplace:
            self.destroy_map = {0: [0]}
        else:
            self.view_map = {0: [0]}  # of its elements

    def _own(self, x: list) -> list:
        return x if self.inplace else list(x)


class Append(_InplaceListOp):
    """The list with an element more.

    Examples
    --------
    >>> append(make_list([pt.constant([1, 2])]), pt.constant([3, 4])).eval()[1].tolist()
    [3, 4]
    """

    def make_node(self, x, toAppend):
        x = self._list(x)
        return Apply(self, [x, self._element(x, toAppend, "toAppend")], [x.type()])

    def perform(self, node, inputs, output_storage):
        x = self._own(inputs[0])
        x.append(_kept(inputs[1]))
        output_storage[0][0] = x


def _kept(elem):
    """An element of its own: the list may live longer than the memory of the input."""
    return elem.copy() if isinstance(elem, np.ndarray) else elem


class Extend(_InplaceListOp):
    """The list with the elements of another behind it.

    Examples
    --------
    >>> one = make_list([pt.constant([1, 2])])
    >>> length(extend(one, one)).eval().item()
    2
    """

    def make_node(self, x, toAppend):
        x, other = self._list(x), self._list(toAppend, "toAppend")
        if x.type != other.type:
            raise TypeError(f"[Extend] toAppend must be of type {x.type}, got {other.type}")
        return Apply(self, [x, other], [x.type()])

    def perform(self, node, inputs, output_storage):
        more = [_kept(v) for v in inputs[1]]  # before the first list is changed: it may be both
        x = self._own(inputs[0])
        x.extend(more)
        output_storage[0][0] = x


class Insert(_InplaceListOp):
    """The list with an element more, before a position.

    Examples
    --------
    >>> insert(make_list([pt.constant([1, 2])]), 0, pt.constant([3, 4])).eval()[0].tolist()
    [3, 4]
    """

    def make_node(self, x, index, toInsert):
        x, index = self._list(x), as_tensor_variable(index)
        if index.type.ndim != 0 or index.type.dtype not in discrete_dtypes:
            raise TypeError(f"[Insert] index must be an integer scalar, got {index.type}")
        return Apply(self, [x, index, self._element(x, toInsert, "toInsert")], [x.type()])

    def perform(self, node, inputs, output_storage):
        x = self._own(inputs[0])
        x.insert(int(inputs[1]), _kept(inputs[2]))
        output_storage[0][0] = x


class Remove(_InplaceListOp):
    """The list without the first element that is equal to another; as it is if there is none.

    Examples
    --------
    >>> one = make_list([pt.constant([1, 2])])
    >>> remove(one, pt.constant([1, 2])).eval()
    []
    """

    def make_node(self, x, toRemove):
        x = self._list(x)
        return Apply(self, [x, self._element(x, toRemove, "toRemove")], [x.type()])

    def perform(self, node, inputs, output_storage):
        x = self._own(inputs[0])
        found = _position(x, inputs[1], node.inputs[0].type.ttype)
        if found is not None:
            del x[found]
        output_storage[0][0] = x


class Reverse(_InplaceListOp):
    """The list from its end to its beginning.

    Examples
    --------
    >>> reverse(make_list([pt.constant([1, 2]), pt.constant([3, 4])])).eval()[0].tolist()
    [3, 4]
    """

    def make_node(self, x):
        x = self._list(x)
        return Apply(self, [x], [x.type()])

    def perform(self, node, inputs, output_storage):
        x = self._own(inputs[0])
        x.reverse()
        output_storage[0][0] = x


class Index(_ListOp):
    """The position of the first element that is equal to another.

    Examples
    --------
    >>> index_(make_list([pt.constant([1, 2])]), pt.constant([1, 2])).eval().item()
    0
    """

    def make_node(self, x, elem):
        x = self._list(x)
        return Apply(self, [x, self._element(x, elem, "elem")], [_int64()])

    def perform(self, node, inputs, output_storage):
        found = _position(*inputs, node.inputs[0].type.ttype)
        if found is None:
            raise ValueError("[Index] elem is not in the list")
        output_storage[0][0] = np.asarray(found, dtype="int64")


class Count(_ListOp):
    """How many elements are equal to another.

    Examples
    --------
    >>> one = pt.constant([1, 2])
    >>> count(make_list([one, one]), one).eval().item()
    2
    """

    def make_node(self, x, elem):
        x = self._list(x)
        return Apply(self, [x, self._element(x, elem, "elem")], [_int64()])

    def perform(self, node, inputs, output_storage):
        x, elem = inputs
        equal = node.inputs[0].type.ttype.values_eq
        output_storage[0][0] = np.asarray(sum(bool(equal(v, elem)) for v in x), dtype="int64")


class Length(_ListOp):
    """How many elements there are.

    Examples
    --------
    >>> length(make_list([pt.constant([1, 2]), pt.constant([3, 4])])).eval().item()
    2
    """

    def make_node(self, x):
        return Apply(self, [self._list(x)], [_int64()])

    def perform(self, node, inputs, output_storage):
        output_storage[0][0] = np.asarray(len(inputs[0]), dtype="int64")


class MakeList(_ListOp):
    """A list of variables of one type.

    Examples
    --------
    >>> make_list([pt.constant([1, 2]), pt.constant([3, 4])]).eval()[0].tolist()
    [1, 2]
    """

    def make_node(self, a):
        if not isinstance(a, list | tuple) or not a:
            raise TypeError(f"[MakeList] a must be a list of at least one variable, got {a!r}")
        elements = [v if isinstance(v, Variable) else as_tensor_variable(v) for v in a]
        first = elements[0].type
        if any(v.type != first for v in elements):
            raise TypeError(
                f"[MakeList] all elements must be of the same type, got {[v.type for v in elements]}"
            )
        return Apply(self, elements, [TypedListType(first)()])

    def perform(self, node, inputs, output_storage):
        output_storage[0][0] = [_kept(v) for v in inputs]


getitem = GetItem()
append = Append()
extend = Extend()
insert = Insert()
remove = Remove()
reverse = Reverse()
index_ = Index()
count = Count()
length = Length()
make_list = MakeList()
