"""Programs with a mistake that shows only when they run.

Each is a function that returns inputs, outputs, wrong values, right values; and beside it what the
error must be and say. The line that makes the culprit ends in ``# here``.
"""

import numpy as np

import pytensor.tensor as pt
from pytensor.raise_op import Assert

ones, eye = np.ones, np.eye


def matrix_product():
    a, b = pt.dmatrices("a", "b")
    out = pt.dot(a, b)  # here
    return [a, b], out, [ones((3, 4)), ones((5, 6))], [ones((3, 4)), ones((4, 6))]


def matrix_vector_product():
    a, v = pt.dmatrix("a"), pt.dvector("v")
    out = a @ v  # here
    return [a, v], out, [ones((3, 4)), ones(5)], [ones((3, 4)), ones(4)]


def inner_product():
    v, w = pt.dvectors("v", "w")
    out = v @ w  # here
    return [v, w], out, [ones(3), ones(4)], [ones(3), ones(3)]


def gemm_inner():
    a, b, c = pt.dmatrices("a", "b", "c")
    out = c - 0.5 * (a @ b)  # here
    good = [ones((3, 4)), ones((4, 6)), ones((3, 6))]
    return [a, b, c], out, [ones((3, 4)), ones((5, 6)), ones((3, 6))], good


def gemm_accumulator():
    a, b, c = pt.dmatrices("a", "b", "c")
    out = c - 0.5 * (a @ b)  # here
    good = [ones((3, 4)), ones((4, 6)), ones((3, 6))]
    return [a, b, c], out, [ones((3, 4)), ones((4, 6)), ones((2, 6))], good


def rank_one_update():
    a, v, w = pt.dmatrix("a"), pt.dvector("v"), pt.dvector("w")
    out = a + 2.0 * pt.outer(v, w)  # here
    return [a, v, w], out, [ones((3, 4)), ones(3), ones(5)], [ones((3, 4)), ones(3), ones(4)]


def batched_product():
    a, b = pt.dtensor3("a"), pt.dtensor3("b")
    out = a @ b  # here
    return [a, b], out, [ones((2, 3, 4)), ones((2, 5, 6))], [ones((2, 3, 4)), ones((2, 4, 6))]


def elementwise():
    a, b = pt.dmatrices("a", "b")
    out = pt.exp(a) * b  # here
    return [a, b], out, [ones((3, 4)), ones((5, 4))], [ones((3, 4)), ones((3, 4))]


def elementwise_length_one():
    a, b = pt.dmatrices("a", "b")
    out = a + b  # here
    return [a, b], out, [ones((3, 4)), ones((1, 4))], [ones((3, 4)), ones((3, 4))]


def reduced_elementwise():
    a, v = pt.dmatrix("a"), pt.dvector("v")
    out = pt.sum(pt.sqr(a - v))  # here
    return [a, v], out, [ones((3, 4)), ones(3)], [ones((3, 4)), ones(4)]


def switch():
    a, b = pt.dmatrices("a", "b")
    out = pt.switch(a > 0, a, b)  # here
    return [a, b], out, [ones((3, 4)), ones((2, 4))], [ones((3, 4)), ones((3, 4))]


def join():
    a, b = pt.dmatrices("a", "b")
    out = pt.join(0, a, b)  # here
    return [a, b], out, [ones((3, 4)), ones((3, 5))], [ones((3, 4)), ones((2, 4))]


def stack():
    v, w = pt.dvectors("v", "w")
    out = pt.stack([v, w])  # here
    return [v, w], out, [ones(3), ones(4)], [ones(3), ones(3)]


def reshape():
    a = pt.dmatrix("a")
    out = a.reshape((5, 3))  # here
    return [a], out, [ones((3, 4))], [ones((3, 5))]


def reshape_unknown_length():
    a = pt.dmatrix("a")
    out = a.reshape((5, -1))  # here
    return [a], out, [ones((3, 4))], [ones((3, 5))]


def index():
    a, i = pt.dmatrix("a"), pt.lscalar("i")
    out = a[i]  # here
    return [a, i], out, [ones((3, 4)), 7], [ones((3, 4)), 2]


def index_array():
    a, i = pt.dmatrix("a"), pt.lvector("i")
    out = a[i]  # here
    return [a, i], out, [ones((3, 4)), np.array([0, 9])], [ones((3, 4)), np.array([0, 2])]


def set_row():
    a, v = pt.dmatrix("a"), pt.dvector("v")
    out = pt.set_subtensor(a[0], v)  # here
    return [a, v], out, [ones((3, 4)), ones(5)], [ones((3, 4)), ones(4)]


def increment_rows():
    a, i, v = pt.dmatrix("a"), pt.lvector("i"), pt.dvector("v")
    out = pt.inc_subtensor(a[i], v)  # here
    rows = np.array([0, 1])
    return [a, i, v], out, [ones((3, 4)), rows, ones(5)], [ones((3, 4)), rows, ones(4)]


def fill_shape():
    v, n = pt.dvector("v"), pt.lscalar("n")
    out = pt.alloc(v, 2, n)  # here
    return [v, n], out, [ones(3), 4], [ones(3), 3]


def negative_length():
    n = pt.lscalar("n")
    out = pt.zeros((n,))  # here
    return [n], out, [-4], [4]


def stated_shape():
    a = pt.dmatrix("a")
    out = pt.specify_shape(a, (2, 3))  # here
    return [a], out, [ones((3, 3))], [ones((2, 3))]


def solve():
    a, b = pt.dmatrices("a", "b")
    out = pt.linalg.solve(a, b)  # here
    return [a, b], out, [eye(3), ones((4, 2))], [eye(3), ones((3, 2))]


def inverse_not_square():
    a = pt.dmatrix("a")
    out = pt.linalg.inv(a)  # here
    return [a], out, [ones((3, 4))], [eye(3)]


def singular_inverse():
    a = pt.dmatrix("a")
    out = pt.linalg.inv(a)  # here
    return [a], out, [np.zeros((3, 3))], [eye(3)]


def not_positive_definite():
    a = pt.dmatrix("a")
    out = pt.linalg.cholesky(a, on_error="raise")  # here
    return [a], out, [-eye(3)], [eye(3)]


def largest_of_nothing():
    v = pt.dvector("v")
    out = pt.max(v)  # here
    return [v], out, [ones(0)], [ones(2)]


def position_in_nothing():
    v = pt.dvector("v")
    out = pt.argmax(v)  # here
    return [v], out, [ones(0)], [ones(2)]


def split():
    v = pt.dvector("v")
    out = pt.split(v, [2, 2], n_splits=2)[0]  # here
    return [v], out, [ones(5)], [ones(4)]


def repeat():
    v, n = pt.dvector("v"), pt.lvector("n")
    out = pt.repeat(v, n)  # here
    return [v, n], out, [ones(2), np.array([1, -1])], [ones(2), np.array([1, 3])]


def assertion():
    s = pt.dscalar("s")
    out = Assert("s must be positive")(s, s > 0)  # here
    return [s], out, [-1.0], [1.0]


# program: exception class, and words the message must hold, each a regular expression
EXPECTED = {
    matrix_product: (ValueError, "Dot|Gemm", "inner dimension|aligned", r"\(3, 4\)", r"\(5, 6\)"),
    matrix_vector_product: (ValueError, "Dot|Gemv|[Mm]atmul", r"\(3, 4\)", r"\(5,( 1)?\)"),
    inner_product: (ValueError, "Dot|Gemv|Mul", "3", "4"),
    gemm_inner: (ValueError, "Dot|Gemm|Matmul", r"\(3, 4\)", r"\(5, 6\)"),
    gemm_accumulator: (ValueError, "Gemm|Sub|Add|Dot", r"\(3, 6\)|\(3, 4\)", r"\(2, 6\)"),
    rank_one_update: (ValueError, "Ger|Add|Outer", r"\(3, 4\)", "5"),
    batched_product: (ValueError, "Dot|atmul", r"\(2, 3, 4\)", r"\(2, 5, 6\)"),
    elementwise: (ValueError, "Mul|Composite", "dimension mismatch", r"\(3, 4\)", r"\(5, 4\)"),
    elementwise_length_one: (ValueError, "Add", "broadcast", r"\(3, 4\)", r"\(1, 4\)"),
    reduced_elementwise: (ValueError, "Sub|Composite", r"\(3, 4\)", r"\((1, )?3,?\)"),
    switch: (ValueError, "Switch|Composite", r"\(3, 4\)", r"\(2, 4\)"),
    join: (ValueError, "Join", "must match", r"\(3, 4\)", r"\(3, 5\)"),
    stack: (ValueError, "Join|MakeVector", "3", "4"),
    reshape: (ValueError, "Reshape", r"\(3, 4\)", "5"),
    reshape_unknown_length: (ValueError, "Reshape", r"\(3, 4\)", "5"),
    index: (IndexError, "Subtensor", "index 7", "size 3", r"\(3, 4\)"),
    index_array: (IndexError, "AdvancedSubtensor", "index 9", "size 3", r"\(3, 4\)"),
    set_row: (ValueError, "SetSubtensor", "must broadcast", r"\(3, 4\)", r"\(5,\)"),
    increment_rows: (ValueError, "AdvancedIncSubtensor", "must broadcast", r"\(3, 4\)", r"\(5,\)"),
    fill_shape: (ValueError, "Alloc", r"\(3,\)", "4"),
    negative_length: (ValueError, "Alloc", "negative"),
    stated_shape: (AssertionError, "SpecifyShape", r"\(3, 3\)", "expected 2"),
    solve: (ValueError, "Solve", "must agree", r"\(3, 3\)", r"\(4, 2\)"),
    inverse_not_square: (np.linalg.LinAlgError, "Inverse", "square", r"\(3, 4\)"),
    singular_inverse: (np.linalg.LinAlgError, "Inverse", "[Ss]ingular", r"\(3, 3\)"),
    not_positive_definite: (np.linalg.LinAlgError, "Cholesky", "positive", r"\(3, 3\)"),
    largest_of_nothing: (ValueError, "Max", r"\(0,\)"),
    position_in_nothing: (ValueError, "Argmax", r"\(0,\)"),
    split: (ValueError, "Split", "5", "4|2"),
    repeat: (ValueError, "Repeat", "negative"),
    assertion: (AssertionError, "Assert", "s must be positive"),
}
