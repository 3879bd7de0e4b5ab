# ruff: noqa: F401  (classes are names of this module too)
"""All distributions.

_continuous    those that `numpy.random.Generator` draws from
_positive      those of positive numbers
_transformed   continuous ones computed from other draws
_discrete      integers
_multivariate  vectors, and positions in them
_sampling      choice and permutation
"""

from pytensor.tensor.random._continuous import (
    LaplaceRV,
    LogisticRV,
    LogNormalRV,
    NormalRV,
    TriangularRV,
    UniformRV,
    VonMisesRV,
    laplace,
    logistic,
    lognormal,
    normal,
    standard_normal,
    triangular,
    uniform,
    vonmises,
)
from pytensor.tensor.random._discrete import (
    BernoulliRV,
    BetaBinomialRV,
    BinomialRV,
    GeometricRV,
    HyperGeometricRV,
    IntegersRV,
    NegBinomialRV,
    PoissonRV,
    bernoulli,
    betabinom,
    binomial,
    geometric,
    hypergeometric,
    integers,
    nbinom,
    negative_binomial,
    poisson,
)
from pytensor.tensor.random._multivariate import (
    CategoricalRV,
    DirichletRV,
    MultinomialRV,
    MvNormalRV,
    categorical,
    dirichlet,
    multinomial,
    multivariate_normal,
)
from pytensor.tensor.random._positive import (
    BetaRV,
    ExponentialRV,
    GammaRV,
    WaldRV,
    WeibullRV,
    _gamma,
    beta,
    chisquare,
    exponential,
    gamma,
    rayleigh,
    wald,
    weibull,
)
from pytensor.tensor.random._sampling import (
    ChoiceWithoutReplacement,
    PermutationRV,
    choice,
    permutation,
)
from pytensor.tensor.random._scipy import (
    ScipyRandomVariable,
)
from pytensor.tensor.random._transformed import (
    CauchyRV,
    GenGammaRV,
    GumbelRV,
    HalfCauchyRV,
    HalfNormalRV,
    InvGammaRV,
    ParetoRV,
    StudentTRV,
    TruncExponentialRV,
    cauchy,
    gengamma,
    gumbel,
    halfcauchy,
    halfnormal,
    invgamma,
    pareto,
    t,
    truncexpon,
)
from pytensor.tensor.random.op import RandomVariable

__all__ = [
    "bernoulli",
    "beta",
    "betabinom",
    "binomial",
    "categorical",
    "cauchy",
    "chisquare",
    "choice",
    "dirichlet",
    "exponential",
    "gamma",
    "gengamma",
    "geometric",
    "gumbel",
    "halfcauchy",
    "halfnormal",
    "hypergeometric",
    "integers",
    "invgamma",
    "laplace",
    "logistic",
    "lognormal",
    "multinomial",
    "multivariate_normal",
    "nbinom",
    "negative_binomial",
    "normal",
    "pareto",
    "permutation",
    "poisson",
    "standard_normal",
    "t",
    "triangular",
    "truncexpon",
    "uniform",
    "vonmises",
    "wald",
    "weibull",
]
