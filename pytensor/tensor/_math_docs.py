"""What `help` says of the elementwise functions, besides the summaries in `_math_ops`.

Loaded when somebody looks at the first of these docstrings, which are composed then: importing the
package does not pay for them.
"""

from __future__ import annotations

import re

# What becomes of dtypes.
DTYPES = {
    "same": "The widest dtype of the operands, any of them.",
    "number": "The widest dtype of the operands; bool raises TypeError.",
    "float": "Float or complex as the operands; integers of 8 and 16 bits and bool become float32, "
    "wider ones float64.",
    "real": "Float as the operands; integers of 8 and 16 bits and bool become float32, wider ones "
    "float64.",
    "quotient": "The widest float or complex dtype of the operands; of integers ``config.floatX``.",
    "whole": "The widest dtype of the operands; complex raises `ComplexError`.",
    "part": "The dtype of the operand; of a complex one, the float of its parts.",
    "onlyfloat": "The dtype of the operand; other than floats raise TypeError.",
    "bool": "bool, of operands of any dtype.",
    "bits": "The widest dtype of the operands: bool or integers, others raise TypeError.",
    "choice": "The widest dtype of `ift` and `iff`.",
    "complex": "complex64 of operands up to float32, else complex128.",
    "polygamma": "Float as `x`; `n` is an integer.",
    "second": "The dtype of `y`.",
}
# Under which name users find a function, where it is another one.
PUBLIC = {
    "_conj": "conj",
    "and_": "bitwise_and",
    "isinf_": "isinf",
    "isnan_": "isnan",
    "or_": "bitwise_or",
    "second": "fill",
    "tensor_copy": "identity",
}
# Each function: name(operands) -> dtype rule: equation; derivative(s) by the operands; example.
TEXTS = """
add(*xs) -> same: z = x_1 + x_2 + ...
    derivative: 1 for each operand
    [1, 2], [10, 20] gives [11, 22]
sub(x, y) -> number: z = x - y
    derivative: 1 and -1
    [1, 2], [10, 20] gives [-9, -18]
mul(*xs) -> same: z = x_1 x_2 ...
    derivative: the product of the other operands
    [1, 2], [10, 20] gives [10, 40]
true_div(x, y) -> quotient: z = x / y
    derivative: 1/y and -x/y²
    [1, 2], 4 gives [0.25, 0.5]
int_div(x, y) -> whole: z = floor(x / y); integers: 0 where y is 0
    derivative: 0
    [7, -7], 2 gives [3, -4]
mod(x, y) -> whole: z = x - y floor(x / y); integers: 0 where y is 0
    derivative: 1 and -floor(x / y)
    [7, -7], 3 gives [1, 2]
pow(x, y) -> same: z = x^y
    derivative: y x^(y-1) and x^y log(x)
    [1, 2, 3], 2 gives [1, 4, 9]
neg(x) -> number: y = -x
    derivative: -1
    [1, -2] gives [-1, 2]
reciprocal(x) -> float: y = 1/x
    derivative: -y²
    [1.0, 4.0] gives [1.0, 0.25]
abs(x) -> part: y = |x|; complex: the modulus
    derivative: sign(x)
    [1.5, -2.0] gives [1.5, 2.0]
sign(x) -> number: y = 1, 0, -1 for x > 0, = 0, < 0; NaN for NaN; complex: x/|x|
    derivative: 0
    [3, 0, -2] gives [1, 0, -1]
sqr(x) -> same: y = x²
    derivative: 2x
    [1, -2, 3] gives [1, 4, 9]
sqrt(x) -> float: y = √x; NaN for x < 0
    derivative: 1/(2y)
    [4.0, 9.0] gives [2.0, 3.0]

ceil(x) -> real: y = ⌈x⌉
    derivative: 0
    [1.2, -1.2] gives [2.0, -1.0]
floor(x) -> real: y = ⌊x⌋
    derivative: 0
    [1.2, -1.2] gives [1.0, -2.0]
trunc(x) -> real: y = sign(x) ⌊|x|⌋
    derivative: 0
    [1.7, -1.7] gives [1.0, -1.0]
round_half_to_even(x) -> onlyfloat: y = the integer next to x; 0.5 → 0, 1.5 → 2
    derivative: 0
    [0.5, 1.5, 1.7] gives [0.0, 2.0, 2.0]
round_half_away_from_zero(x) -> onlyfloat: y = sign(x) ⌊|x| + 1/2⌋
    derivative: 0
    [0.5, 1.5, -0.5] gives [1.0, 2.0, -1.0]

lt(x, y) -> bool: z = (x < y)
    derivative: 0
    [1, 2, 3], 2 gives [True, False, False]
gt(x, y) -> bool: z = (x > y)
    derivative: 0
    [1, 2, 3], 2 gives [False, False, True]
le(x, y) -> bool: z = (x ≤ y)
    derivative: 0
    [1, 2, 3], 2 gives [True, True, False]
ge(x, y) -> bool: z = (x ≥ y)
    derivative: 0
    [1, 2, 3], 2 gives [False, True, True]
eq(x, y) -> bool: z = (x = y); NaN equals nothing
    derivative: 0
    [1, 2, 3], 2 gives [False, True, False]
neq(x, y) -> bool: z = (x ≠ y); NaN differs from everything
    derivative: 0
    [1, 2, 3], 2 gives [True, False, True]
isnan_(x) -> bool: y = (x ≠ x)
    derivative: 0
    [1.0, np.nan] gives [False, True]
isinf_(x) -> bool: y = (|x| = ∞)
    derivative: 0
    [1.0, np.inf] gives [False, True]
switch(cond, ift, iff) -> choice: z = ift where cond is not 0, else iff; both are computed
    derivative: the cotangent where the operand was chosen, 0 elsewhere
    [True, False], [1, 2], [10, 20] gives [1, 20]
and_(x, y) -> bits: z = x & y
    derivative: 0
    [True, True], [True, False] gives [True, False]
or_(x, y) -> bits: z = x | y
    derivative: 0
    [True, False], [False, False] gives [True, False]
xor(x, y) -> bits: z = x ^ y
    derivative: 0
    [True, True], [True, False] gives [False, True]
invert(x) -> bits: y = ~x
    derivative: 0
    [True, False] gives [False, True]
maximum(x, y) -> same: z = max(x, y)
    derivative: 1 for the operand that was taken (the first if equal)
    [1, 5], [3, 2] gives [3, 5]
minimum(x, y) -> same: z = min(x, y)
    derivative: 1 for the operand that was taken (the first if equal)
    [1, 5], [3, 2] gives [1, 2]
clip(x, min, max) -> same: y = min(max(x, min), max)
    derivative: 1 where min ≤ x ≤ max, else 0; for a limit, 1 where it was taken
    [-1.0, 0.5, 2.0], 0.0, 1.0 gives [0.0, 0.5, 1.0]

exp(x) -> float: y = e^x
    derivative: y
    [0.0, 1.0] gives [1.0, 2.718]
exp2(x) -> float: y = 2^x
    derivative: y log(2)
    [0.0, 3.0] gives [1.0, 8.0]
expm1(x) -> float: y = e^x - 1
    derivative: y + 1
    [0.0, 1.0] gives [0.0, 1.718]
log(x) -> float: y = log(x); -inf for 0, NaN below
    derivative: 1/x
    [1.0, 10.0] gives [0.0, 2.303]
log2(x) -> float: y = log(x) / log(2)
    derivative: 1/(x log 2)
    [1.0, 8.0] gives [0.0, 3.0]
log10(x) -> float: y = log(x) / log(10)
    derivative: 1/(x log 10)
    [1.0, 1000.0] gives [0.0, 3.0]
log1p(x) -> float: y = log(1 + x); NaN for x < -1
    derivative: 1/(1 + x)
    [0.0, 1.0] gives [0.0, 0.693]
log1mexp(x) -> float: y = log(1 - e^x), x < 0; by log1p or expm1, whichever is exact (Mächler 2012)
    derivative: -1/(e^-x - 1)
    [-1.0, -2.0] gives [-0.459, -0.145]
softplus(x) -> float: y = log(1 + e^x), without overflow
    derivative: sigmoid(x)
    [0.0, 100.0] gives [0.693, 100.0]
sigmoid(x) -> float: y = 1/(1 + e^-x)
    derivative: y (1 - y)
    [0.0, 2.0] gives [0.5, 0.881]

sin(x) -> float: y = sin(x), x in radians
    derivative: cos(x)
    [0.0, 1.0] gives [0.0, 0.841]
cos(x) -> float: y = cos(x), x in radians
    derivative: -sin(x)
    [0.0, 1.0] gives [1.0, 0.54]
tan(x) -> float: y = tan(x), x in radians
    derivative: 1 + y²
    [0.0, 1.0] gives [0.0, 1.557]
arcsin(x) -> float: y in [-π/2, π/2] with sin(y) = x; NaN for |x| > 1
    derivative: 1/√(1 - x²)
    [0.0, 1.0] gives [0.0, 1.571]
arccos(x) -> float: y in [0, π] with cos(y) = x; NaN for |x| > 1
    derivative: -1/√(1 - x²)
    [0.0, 1.0] gives [1.571, 0.0]
arctan(x) -> float: y in (-π/2, π/2) with tan(y) = x
    derivative: 1/(1 + x²)
    [0.0, 1.0] gives [0.0, 0.785]
arctan2(y, x) -> real: z in [-π, π] with tan(z) = y/x, in the quadrant of (x, y)
    derivative: x/(x² + y²) and -y/(x² + y²)
    [1.0, -1.0], [1.0, -1.0] gives [0.785, -2.356]
sinh(x) -> float: y = (e^x - e^-x)/2
    derivative: cosh(x)
    [0.0, 1.0] gives [0.0, 1.175]
cosh(x) -> float: y = (e^x + e^-x)/2
    derivative: sinh(x)
    [0.0, 1.0] gives [1.0, 1.543]
tanh(x) -> float: y = sinh(x)/cosh(x)
    derivative: 1 - y²
    [0.0, 1.0] gives [0.0, 0.762]
arcsinh(x) -> float: y = log(x + √(x² + 1))
    derivative: 1/√(x² + 1)
    [0.0, 1.0] gives [0.0, 0.881]
arccosh(x) -> float: y = log(x + √(x² - 1)); NaN for x < 1
    derivative: 1/√(x² - 1)
    [1.0, 2.0] gives [0.0, 1.317]
arctanh(x) -> float: y = log((1 + x)/(1 - x))/2; NaN for |x| > 1
    derivative: 1/(1 - x²)
    [0.0, 0.5] gives [0.0, 0.549]

real(x) -> part: y = Re x
    derivative: 1
    1 + 2j gives 1.0
imag(x) -> part: y = Im x
    derivative: 1 for the imaginary part
    1 + 2j gives 2.0
_conj(x) -> same: y = Re x - i Im x
    derivative: conjugates the cotangent
    1 + 2j gives (1-2j)
complex(real, imag) -> complex: z = real + i imag
    derivative: 1 for each part
    [1.0, 2.0], [0.0, -1.0] gives [(1+0j), (2-1j)]

erf(x) -> float: y = 2/√π ∫_0^x e^(-t²) dt
    derivative: 2/√π e^(-x²)
    [0.0, 1.0] gives [0.0, 0.843]
erfc(x) -> real: y = 1 - erf(x), exact where erf is close to 1
    derivative: -2/√π e^(-x²)
    [0.0, 1.0] gives [1.0, 0.157]
erfcx(x) -> real: y = e^(x²) erfc(x), without overflow
    derivative: 2xy - 2/√π
    [0.0, 10.0] gives [1.0, 0.056]
erfinv(x) -> real: y with erf(y) = x; NaN for |x| > 1
    derivative: √π/2 e^(y²)
    [0.0, 0.5] gives [0.0, 0.477]
erfcinv(x) -> real: y with erfc(y) = x; NaN outside [0, 2]
    derivative: -√π/2 e^(y²)
    [0.5, 1.5] gives [0.477, -0.477]
owens_t(h, a) -> real: T(h, a) = 1/(2π) ∫_0^a e^(-h²(1 + t²)/2)/(1 + t²) dt (Owen 1956)
    derivative: defined in both operands
    np.float64(1.0), 0.5 gives 0.043
gamma(x) -> float: Γ(x) = ∫_0^∞ t^(x-1) e^-t dt
    derivative: Γ(x) psi(x)
    [1.0, 0.5, 5.0] gives [1.0, 1.772, 24.0]
gammaln(x) -> float: y = log|Γ(x)|
    derivative: psi(x)
    [1.0, 0.5, 100.0] gives [0.0, 0.572, 359.134]
psi(x) -> float: ψ(x) = Γ'(x)/Γ(x)
    derivative: tri_gamma(x)
    [1.0, 10.0] gives [-0.577, 2.252]
tri_gamma(x) -> real: y = ψ'(x)
    derivative: polygamma(2, x)
    [1.0, 10.0] gives [1.645, 0.105]
polygamma(n, x) -> polygamma: y = d^n ψ(x)/dx^n, n = 0, 1, ...
    derivative: polygamma(n + 1, x) in x
    2, [1.0, 10.0] gives [-2.404, -0.011]
gammainc(k, x) -> float: P(k, x) = 1/Γ(k) ∫_0^x t^(k-1) e^-t dt, k > 0, x ≥ 0
    derivative: defined in both operands
    2.0, [1.0, 5.0] gives [0.264, 0.96]
gammaincc(k, x) -> float: Q(k, x) = 1 - P(k, x) = 1/Γ(k) ∫_x^∞ t^(k-1) e^-t dt
    derivative: defined in both operands
    2.0, [1.0, 5.0] gives [0.736, 0.04]
gammaincinv(k, p) -> float: x with gammainc(k, x) = p, 0 ≤ p ≤ 1
    derivative: defined in both operands
    2.0, [0.25, 0.5] gives [0.961, 1.678]
gammainccinv(k, p) -> float: x with gammaincc(k, x) = p, 0 ≤ p ≤ 1
    derivative: defined in both operands
    2.0, [0.25, 0.5] gives [2.693, 1.678]
betainc(a, b, x) -> real: I_x(a, b) = 1/B(a, b) ∫_0^x t^(a-1) (1-t)^(b-1) dt, 0 ≤ x ≤ 1
    derivative: defined in all operands
    2.0, 3.0, [0.25, 0.5] gives [0.262, 0.688]
betaincinv(a, b, p) -> real: x with betainc(a, b, x) = p, 0 ≤ p ≤ 1
    derivative: defined in all operands
    2.0, 3.0, [0.25, 0.5] gives [0.243, 0.386]
hyp2f1(a, b, c, z) -> float: y = Σ_n (a)_n (b)_n / ((c)_n n!) z^n, continued beyond |z| = 1
    derivative: defined in all operands
    1.0, 2.0, 3.0, [0.0, 0.5] gives [1.0, 1.545]
j0(x) -> float: y = J_0(x)
    derivative: -J_1(x)
    [0.0, 1.0] gives [1.0, 0.765]
j1(x) -> float: y = J_1(x)
    derivative: J_0(x) - J_1(x)/x
    [0.0, 1.0] gives [0.0, 0.44]
jv(v, x) -> float: y = J_v(x)
    derivative: (J_(v-1)(x) - J_(v+1)(x))/2 in x
    0.5, [1.0, 2.0] gives [0.671, 0.513]
i0(x) -> float: y = I_0(x)
    derivative: I_1(x)
    [0.0, 1.0] gives [1.0, 1.266]
i1(x) -> float: y = I_1(x)
    derivative: (I_0(x) + I_2(x))/2
    [0.0, 1.0] gives [0.0, 0.565]
ive(v, x) -> float: y = e^-|x| I_v(x)
    derivative: defined in x
    0.5, [1.0, 2.0] gives [0.345, 0.277]
kve(v, x) -> float: y = e^x K_v(x), x > 0
    derivative: defined in x
    0.5, [1.0, 2.0] gives [1.253, 0.886]
ndtri_exp(x) -> real: y with log Φ(y) = x, x ≤ 0, Φ the normal distribution function
    derivative: √(2π) e^(x + y²/2)
    [-1.0, -100.0] gives [-0.337, -13.888]

second(x, y) -> second: z = y, repeated to the shape of x
    derivative: 1 for y
    [1, 2, 3], 0 gives [0, 0, 0]
tensor_copy(x) -> same: y = x
    derivative: 1
    [1, 2] gives [1, 2]
"""
ENTRY = re.compile(
    r"^(?P<name>\w+)\((?P<operands>.+)\) -> (?P<dtype>\w+): (?P<equation>.+)\n"
    r" +derivative: (?P<derivative>.+)\n"
    r" +(?P<example>.+) gives (?P<shown>.+)$",
    re.MULTILINE,
)
ENTRIES = {found["name"]: found for found in ENTRY.finditer(TEXTS)}


def docstring(name: str, summary: str) -> str:
    """Return the docstring of the function `name` of `_math_ops`."""
    entry = ENTRIES[name]
    operands = entry["operands"]
    arrays = "Array." if operands == "x" else "Arrays that broadcast together."
    rounded = ".round(3)" if "." in entry["shown"] else ""
    return f"""{summary}

    ``{entry["equation"]}``

    Parameters
    ----------
    {operands} : tensor_like
        {arrays}

    Returns
    -------
    TensorVariable
        {DTYPES[entry["dtype"]]}

    Notes
    -----
    Derivative: {entry["derivative"]}.

    Examples
    --------
    >>> pt.{PUBLIC.get(name, name)}({entry["example"]}).eval(){rounded}.tolist()
    {entry["shown"]}
    """
