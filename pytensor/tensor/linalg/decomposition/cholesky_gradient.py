"""The gradient of a Gaussian density through its Cholesky factor, seen in what it is made of.

``-sum(log(diag(L)))`` and ``-0.5 * sum(solve_triangular(L, y)**2)`` reach the factor as ``c / diag(L)``
on its diagonal and as the outer product of a solution. Of such cotangents the general formula (two
solutions with whole matrices and a product) is ``c / 2 * inv(A)`` and ``-c / 2 * outer(a, a)`` with
``a = solve(A, y)`` (Rasmussen and Williams 2006, equation 5.9): a third of the work, or next to none.
"""

from pytensor.graph.basic import Variable
from pytensor.scalar import basic as ps
from pytensor.tensor._diag import ExtractDiag, SetDiag
from pytensor.tensor.basic import ARange, constant, eye, get_underlying_scalar_constant_value
from pytensor.tensor.blockwise import Blockwise
from pytensor.tensor.elemwise import DimShuffle, Elemwise
from pytensor.tensor.exceptions import NotScalarConstantError
from pytensor.tensor.linalg.solvers.triangular import SolveTriangular, solve_triangular
from pytensor.tensor.math import Dot, add, mul, outer


def symmetric_gradient(factor: Variable, cotangent: Variable) -> Variable | None:
    """Return the gradient in a symmetric matrix by its real lower factor, None if of another form."""
    total: list[Variable] = []
    for part in _parts(cotangent):
        term = _of_log_diagonal(factor, part)
        term = _of_solution(factor, part) if term is None else term
        if term is None:
            return None
        total.append(term)
    result = total[0] if len(total) == 1 else add(*total)
    return result.astype(cotangent.type.dtype)


def _parts(x) -> list[Variable]:
    found, waiting = [], [x]
    while waiting:
        part = waiting.pop()
        terms = _operands(part, ps.Add)
        if terms is None:
            found.append(part)
        else:
            waiting.extend(reversed(terms))
    return found


def _of_log_diagonal(factor, part):
    """c on the diagonal, divided by that of the factor."""
    if part.owner is None or not isinstance(part.owner.op, SetDiag) or part.owner.op.offset:
        return None
    quotient = _operands(part.owner.inputs[1], ps.TrueDiv)
    if quotient is None or not _is_diagonal_of(quotient[1], factor):
        return None
    c = _number(quotient[0])
    if c is None:
        return None
    inverse = solve_triangular(factor, eye(factor.shape[0], dtype=factor.type.dtype), lower=True)
    return mul(c, 0.5) * inverse.T.dot(inverse)


def _is_diagonal_of(x, factor) -> bool:
    node = x.owner
    return node is not None and isinstance(node.op, ExtractDiag) and (
        node.inputs[0] is factor and node.op.offset == 0
    )  # fmt: skip


def _of_solution(factor, part):
    """The lower triangle of ``-outer(solve(L.T, c * x), x)`` with ``x = solve(L, y)``."""
    whole = _lower_part(part)
    negated = None if whole is None else _operands(whole, ps.Neg)
    product = negated[0].owner if negated else None
    if product is None or not isinstance(product.op, Dot):
        return None
    b_bar, x = (_without_views(v) for v in product.inputs)
    if not (_solves(b_bar, lower=False) and _solves(x, lower=True)):
        return None
    if x.type.ndim != 1 or x.owner.inputs[0] is not factor:
        return None
    if _without_views(b_bar.owner.inputs[0]) is not factor:
        return None
    upper, x_bar = b_bar.owner.inputs
    c = _multiple(x_bar, x)
    if upper is factor or c is None:
        return None
    a = solve_triangular(upper, x, lower=False, b_ndim=1)
    return mul(c, -0.5) * outer(a, a)


def _operands(x, scalar_op) -> list[Variable] | None:
    node = x.owner
    if node is None or type(node.op) is not Elemwise or type(node.op.scalar_op) is not scalar_op:
        return None
    return node.inputs


def _without_views(x):
    while x.owner is not None and isinstance(x.owner.op, DimShuffle):
        (x,) = x.owner.inputs
    return x


def _lower_part(x):
    """What x is the lower triangle of: ``tril`` compares the numbers of rows and columns."""
    choice = _operands(x, ps.Switch)
    compared = _operands(choice[0], ps.GE) if choice else None
    if compared is None or not _counts(compared[0], (0, "x")) or not _counts(compared[1], ("x", 0)):
        return None
    return choice[1]


def _counts(x, order) -> bool:
    if x.owner is None or not isinstance(x.owner.op, DimShuffle) or x.owner.op.new_order != order:
        return False
    node = x.owner.inputs[0].owner
    if node is None or not isinstance(node.op, ARange):
        return False
    start, _, step = node.inputs
    return _value(start) == 0 and _value(step) == 1


def _value(x):
    try:
        return get_underlying_scalar_constant_value(x)
    except NotScalarConstantError:
        return None


def _solves(x, lower: bool) -> bool:
    """Tell whether x is the solution of one triangular system with a vector."""
    op = None if x.owner is None else x.owner.op
    op = op.core_op if isinstance(op, Blockwise) and x.type.ndim == 1 else op
    return (
        isinstance(op, SolveTriangular)
        and (op.lower, op.unit_diagonal, op.b_ndim) == (lower, False, 1)
        and x.owner.inputs[0].type.ndim == 2
    )


def _number(x) -> Variable | None:
    """The one value of all elements of x, as a scalar."""
    if all(x.type.broadcastable):
        return x.dimshuffle()
    filled = _operands(x, ps.Second)
    if filled is not None:
        return _number(filled[1])
    factors = _operands(x, ps.Mul) or _operands(x, ps.Neg)
    numbers = [_number(f) for f in factors] if factors else [None]
    if any(n is None for n in numbers):
        return None
    return mul(*numbers) if len(numbers) > 1 else -numbers[0]


def _multiple(x, vector) -> Variable | None:
    """The number c for which ``x = c * vector``, through views of one axis."""
    x = _without_views(x)
    if x is vector:
        return constant(1.0, dtype=vector.type.dtype)
    terms = _operands(x, ps.Add)
    if terms is not None:
        found = [_multiple(t, vector) for t in terms]
        return None if any(f is None for f in found) else add(*found)
    power = _operands(x, ps.Pow)
    if power is not None:
        return _multiple(power[0], vector) if _value(power[1]) == 1 else None
    negated = _operands(x, ps.Neg)
    if negated is not None:
        c = _multiple(negated[0], vector)
        return None if c is None else -c
    factors = _operands(x, ps.Mul)
    if factors is None and x.owner is not None and isinstance(x.owner.op, Dot):
        factors = x.owner.inputs
    return None if factors is None else _product(factors, vector)


def _product(factors, vector) -> Variable | None:
    found, numbers = None, []
    for factor in factors:
        number = _number(factor)
        if number is not None:
            numbers.append(number)
            continue
        multiple = _multiple(factor, vector) if found is None else None
        if multiple is None:
            return None
        found = multiple
    return None if found is None else mul(found, *numbers) if numbers else found
