"""Random draws: `pt.random.shared_rng(seed=1).normal(size=3)`.

basic       the distributions
op          `RandomVariable`, what a distribution is
type        the type of generators; variable: symbolic and shared ones, with draws as methods
utils       sizes, batches, and `RandomStream`
rewriting   lifting shapes through draws, drawing in place
"""

from pytensor.graph.rewriting.stages import RuleIndex, optdb
from pytensor.tensor.random import basic, op, type, utils, variable
from pytensor.tensor.random.basic import (
    bernoulli,
    beta,
    betabinom,
    binomial,
    categorical,
    cauchy,
    chisquare,
    choice,
    dirichlet,
    exponential,
    gamma,
    gengamma,
    geometric,
    gumbel,
    halfcauchy,
    halfnormal,
    hypergeometric,
    integers,
    invgamma,
    laplace,
    logistic,
    lognormal,
    multinomial,
    multivariate_normal,
    nbinom,
    negative_binomial,
    normal,
    pareto,
    permutation,
    poisson,
    standard_normal,
    t,
    triangular,
    truncexpon,
    uniform,
    vonmises,
    wald,
    weibull,
)
from pytensor.tensor.random.op import default_rng
from pytensor.tensor.random.utils import RandomStream
from pytensor.tensor.random.variable import rng, shared_rng

__all__ = ["RandomStream", *basic.__all__, "default_rng", "rng", "shared_rng"]

# Imported with the first graph that draws.
optdb.add_rule_index(RuleIndex("pytensor.tensor.random.rewriting", {"basic": "RNGConsumerOp"}))
