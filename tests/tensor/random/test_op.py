"""`RandomVariable`: making nodes, sizes, batches, errors, derivatives."""

import numpy as np
import pytest

import pytensor
import pytensor.tensor as pt
from pytensor.gradient import NullTypeGradError
from pytensor.graph.null_type import DisconnectedType, NullType
from pytensor.graph.replace import vectorize_graph
from pytensor.tensor.random import basic
from pytensor.tensor.random.basic import MvNormalRV, NormalRV, ScipyRandomVariable
from pytensor.tensor.random.op import RandomVariable
from pytensor.tensor.random.type import RandomGeneratorType
from pytensor.tensor.type_other import NoneConst

MODES = ["PY", "C"]


def draw(name, *args, rng=None, **kwargs):
    rng = pt.random.shared_rng(seed=1) if rng is None else rng
    return getattr(basic, name)(*args, rng=rng, return_next_rng=True, **kwargs)[1]


def test_a_subclass_is_a_distribution():
    class Shifted(RandomVariable):
        name, signature, dtype = "shifted", "(),()->()", "floatX"

        @classmethod
        def rng_fn(cls, rng, mu, sigma, size):
            return 100 + rng.normal(mu, sigma, size)

    op = Shifted()
    assert (op.ndim_supp, op.ndims_params, op.inplace, op.default_output) == (0, [0, 0], False, 1)
    assert str(op) == 'shifted_rv{"(),()->()"}'
    assert op == Shifted() != Shifted(dtype="float32")
    assert hash(op) == hash(Shifted())
    rng = pt.random.shared_rng(seed=1)
    next_rng, x = op(0.0, [1.0, 2.0], rng=rng, return_next_rng=True, name="x")
    assert x.name == "x"
    assert x.owner.op.dtype == "float64"
    assert op.update(x.owner) == {rng: next_rng}
    assert (op.rng_param(x.owner), op.size_param(x.owner)) == (rng, NoneConst)
    assert len(op.dist_params(x.owner)) == 2
    assert op.batch_ndim(x.owner) == 1
    assert np.array_equal(x.eval(), 100 + np.random.default_rng(1).normal(0, [1, 2]))


def test_the_ways_to_say_a_signature():
    assert RandomVariable("a", 1, [1, 2], "float64").signature == "(i00),(i10,i11)->(o00)"
    op = RandomVariable("a", signature="(),(n)->(n)", dtype="int64", inplace=True)
    assert op._props_dict() == {
        "name": "a",
        "signature": "(),(n)->(n)",
        "dtype": "int64",
        "inplace": True,
    }
    assert op.destroy_map == {0: [0]}
    assert op.inplace_on_inputs([0]) is op
    assert NormalRV().inplace_on_inputs([0]).inplace
    with pytest.raises(ValueError, match="signature must be provided"):
        RandomVariable("a", dtype="int64")
    with pytest.raises(TypeError, match="ndims_params must be sequence"):
        RandomVariable("a", 0, 5, dtype="int64")
    with pytest.raises(NotImplementedError, match="_supp_shape_from_params"):
        RandomVariable("a", 1, [0], dtype="int64")._supp_shape_from_params([pt.scalar()])


def test_supports_of_any_shape():
    class Pair(RandomVariable):
        name, signature, dtype = "pair", "()->(two)", "floatX"

        def _supp_shape_from_params(self, dist_params, param_shapes):
            assert len(param_shapes[0]) == dist_params[0].type.ndim
            return [2]

        @classmethod
        def rng_fn(cls, rng, mu, size):
            size = mu.shape if size is None else size
            return np.stack([rng.normal(mu, size=size), rng.normal(mu, size=size)], -1)

    m = pt.vector("m")
    rng = pt.random.shared_rng(seed=1)
    _, x = Pair()(m, rng=rng, return_next_rng=True)
    assert x.type.shape == (None, 2)
    f = pytensor.function([m], [x, x.shape])
    value, shape = f(np.zeros(4))
    assert value.shape == (4, 2)
    assert shape.tolist() == [4, 2]


def test_scipy_distributions_of_users():
    import scipy.stats as st  # noqa: PLC0415

    class Skew(ScipyRandomVariable):
        name, signature, dtype = "skew", "(),()->()", "floatX"

        @classmethod
        def rng_fn_scipy(cls, rng, a, loc, size):
            return st.skewnorm.rvs(a, loc=loc, size=size, random_state=rng)

    rng = pt.random.shared_rng(seed=1)
    _, x = Skew()(np.array([1.0, 2.0]), 0.0, size=(1, 2), rng=rng, return_next_rng=True)
    wanted = st.skewnorm.rvs([1, 2], size=(1, 2), random_state=np.random.default_rng(1))
    assert np.array_equal(x.eval(), wanted.reshape(1, 2))


def test_drawing_is_not_differentiable():
    x = pt.dscalar("x")
    y = draw("normal", x)
    with pytest.raises(NullTypeGradError, match="No gradient defined for random variables"):
        pytensor.grad(y * x, x)
    assert pytensor.grad(y, x, null_gradients="return").type == NullType()
    op = y.owner.op
    assert all(
        isinstance(v.type, DisconnectedType) for v in op.pushforward(y.owner.inputs, [y, y], [])
    )
    assert pytensor.grad(pytensor.gradient.disconnected_grad(y) * x, x).eval({x: 2.0}) is not None


# -- sizes -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "size, static",
    [
        (None, ()),
        ((), ()),
        (3, (3,)),
        ((2, 3), (2, 3)),
        ([], ()),
        (np.array([2]), (2,)),
        ((0, 2), (0, 2)),
    ],
)
def test_static_shapes_of_sizes(size, static):
    assert draw("normal", size=size).type.shape == static
    assert draw("normal", size=size).eval().shape == static


def test_sizes_with_variables():
    n = pt.lscalar("n")
    assert draw("normal", size=n).type.shape == (None,)
    assert draw("normal", size=(n, 3)).type.shape == (None, 3)
    assert draw("normal", size=pt.as_tensor([2, 3])).type.shape == (2, 3)
    m = pt.vector("m")
    x = draw("normal", m, size=m.shape)
    assert pytensor.function([m], x.shape)(np.zeros(5)).tolist() == [5]
    assert x.eval({m: np.zeros(5)}).shape == (5,)
    i = pt.lscalar("i")
    assert draw("normal", size=(i + 1,)).eval({i: 2}).shape == (3,)


@pytest.mark.parametrize(
    "size, error",
    [
        (2.5, TypeError),
        ((2.5,), TypeError),
        ("a", TypeError),
        (pt.dvector(), TypeError),
        (pt.lvector(), ValueError),
        (pt.lmatrix(), TypeError),
    ],
)
def test_what_is_no_size(size, error):
    with pytest.raises(error):
        draw("normal", size=size)


def test_sizes_fit_the_parameters():
    with pytest.raises(ValueError, match="Size length is incompatible with batched dimensions"):
        draw("normal", pt.matrix(), size=(3,))
    with pytest.raises(ValueError, match=r"\[normal\] size must fit the parameters"):
        draw("normal", pt.vector(shape=(2,)), size=(3,))
    with pytest.raises(ValueError, match=r"\[normal\] Could not broadcast dimensions"):
        draw("normal", pt.vector(shape=(2,)), pt.vector(shape=(3,)))
    assert draw("normal", np.zeros((4, 1)), size=(4, 3)).type.shape == (4, 3)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "name",
    [
        "normal",
        "halfnormal",
        "categorical",
        "dirichlet",
        "multivariate_normal",
        "multinomial",
        "bernoulli",
    ],
)
def test_sizes_that_do_not_fit_at_run_time(name, mode):
    n = pt.lscalar("n")
    p = np.full((2, 3), 1 / 3)
    args = {
        "categorical": (p,),
        "dirichlet": (p,),
        "multivariate_normal": (p, np.eye(3)),
        "multinomial": (4, p),
        "bernoulli": (p[:, 0],),
    }.get(name, (p[:, 0],))
    f = pytensor.function([n], draw(name, *args, size=(n,)), mode=mode)
    assert f(2).shape[0] == 2
    with pytest.raises(ValueError) as error:
        f(3)
    assert name in str(error.value)
    assert "test_op.py" in str(error.value)
    with pytest.raises(ValueError):
        f(-1)
    assert f(2).shape[0] == 2


# -- errors ------------------------------------------------------------------------------

BAD = [
    ("normal", (0.0, -1.0), "scale"),
    ("uniform", (2.0, 1.0), "high"),
    ("halfnormal", (0.0, -1.0), "scale"),
    ("gumbel", (0.0, -1.0), "scale"),
    ("cauchy", (0.0, -1.0), "scale"),
    ("halfcauchy", (0.0, np.nan), "scale"),
    ("pareto", (-1.0, 1.0), "b must be positive"),
    ("invgamma", (1.0, 0.0), "scale must be positive"),
    ("truncexpon", (-1.0, 0.0, 1.0), "b must be positive"),
    ("t", (0.0, 0.0, 1.0), "df must be positive"),
    ("gengamma", (1.0, -1.0, 1.0), "p must be positive"),
    ("bernoulli", (1.5,), "p must be a probability"),
    ("bernoulli", (np.nan,), "p must be a probability"),
    ("binomial", (3, 1.5), "p > 1"),
    ("geometric", (0.0,), "p"),
    ("nbinom", (3, 1.5), "p > 1"),
    ("betabinom", (-3, 1.0, 1.0), "n must be at least 0"),
    ("poisson", (-1.0,), "lam < 0"),
    ("exponential", (-1.0,), "scale < 0"),
    ("integers", (5, 2), "low >= high"),
    ("hypergeometric", (3, 4, 9), "nsample"),
    ("triangular", (0.0, 3.0, 2.0), "mode > right"),
    ("multinomial", (3, [0.5, 0.7, 0.1]), "pvals"),
    ("categorical", ([0.5, -0.5, 1.0],), "p must be probabilities"),
    ("categorical", ([0.5, 0.6],), "p must sum to 1"),
    ("categorical", ([0.5, np.nan],), "p must be probabilities"),
    ("dirichlet", ([1.0, -2.0],), "alphas must be positive"),
    ("vonmises", (0.0, -1.0), "kappa"),
    ("wald", (-1.0, 1.0), "mean"),
]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name, args, words", BAD, ids=[f"{b[0]}-{i}" for i, b in enumerate(BAD)])
def test_parameters_out_of_range(name, args, words, mode):
    variables = [pt.as_tensor(np.asarray(a)).type() for a in args]
    f = pytensor.function(variables, draw(name, *variables, size=2), mode=mode)
    with pytest.raises(ValueError, match=words) as error:
        f(*[np.asarray(a) for a in args])
    text = str(error.value)
    assert getattr(basic, name).name in text
    assert "test_op.py" in text


@pytest.mark.parametrize("mode", MODES)
def test_covariances_that_are_none(mode):
    cov = pt.dmatrix("cov")
    for method, error in [
        ("cholesky", np.linalg.LinAlgError),
        ("svd", ValueError),
        ("eigh", ValueError),
    ]:
        f = pytensor.function(
            [cov], draw("multivariate_normal", np.zeros(2), cov, method=method), mode=mode
        )
        with pytest.raises(error, match=r"(?i)definite"):
            f(-np.eye(2))
        with pytest.raises(ValueError, match="cov must be square"):
            f(np.eye(3))
        assert f(np.eye(2)).shape == (2,)


def test_wrong_generators_and_parameters():
    with pytest.raises(
        TypeError, match=r"\[normal\] rng must be a variable for a random generator"
    ):
        basic.normal(rng=np.random.default_rng(1), return_next_rng=True)
    with pytest.raises(TypeError, match=r"\[normal\] rng must be"):
        basic.normal(rng=pt.dscalar(), return_next_rng=True)
    with pytest.raises(TypeError, match=r"\[normal\] loc must be real"):
        draw("normal", 1j)
    with pytest.raises(ValueError, match=r"\[multivariate_normal\] mean must have 1 dimensions"):
        draw("multivariate_normal", 0.0, np.eye(2))
    with pytest.raises(ValueError, match="must have 2 parameters"):
        NormalRV().make_node(pt.random.rng(), None, 1.0)
    with pytest.raises(TypeError, match="unknown argument 'sise'"):
        draw("normal", sise=2)
    with pytest.raises(ValueError, match="Unknown method foo"):
        MvNormalRV(method="foo")


def test_the_older_forms_warn():
    rng = pt.random.rng()
    with pytest.warns(DeprecationWarning, match="return_next_rng=True") as caught:
        x = pt.random.normal(rng=rng)
    assert caught[0].filename == __file__
    assert x is x.owner.outputs[1]
    with pytest.warns(DeprecationWarning, match="without an explicit rng"):
        x = pt.random.normal(return_next_rng=True)[1]
    assert isinstance(x.owner.inputs[0].type, RandomGeneratorType)
    assert x.eval() != pytest.approx(draw("normal").eval())


# -- batches -----------------------------------------------------------------------------


def test_vectorize_without_a_size():
    mu, rng = pt.dscalar("mu"), pt.random.shared_rng(seed=1)
    x = draw("normal", mu, rng=rng)
    many = pt.dmatrix("many")
    y = vectorize_graph(x, {mu: many})
    value = y.eval({many: np.zeros((2, 3))})
    assert np.array_equal(value, np.random.default_rng(1).normal(size=(2, 3)))


def test_vectorize_with_a_size():
    mu, n, rng = pt.dscalar("mu"), pt.lscalar("n"), pt.random.shared_rng(seed=1)
    x = draw("normal", mu, size=(n, 2), rng=rng)
    many = pt.dvector("many")
    y = vectorize_graph(x, {mu: many})
    assert y.type.shape == (None, None, 2)
    value = y.eval({many: [0.0, 1000.0, 2000.0], n: 4})
    assert value.shape == (3, 4, 2)
    assert np.array_equal(np.round(value.mean((1, 2)), -3), [0, 1000, 2000])
    cov = pt.dmatrix("cov")
    z = draw("multivariate_normal", np.zeros(2), cov, size=(3,), rng=rng)
    covs = pt.dtensor3("covs")
    w = vectorize_graph(z, {cov: covs})
    assert w.eval({covs: np.stack([np.eye(2)] * 5)}).shape == (5, 3, 2)
    with pytest.raises(NotImplementedError, match="size must stay a vector"):
        vectorize_graph(x, {x.owner.inputs[1]: pt.lmatrix()})


def test_parameters_broadcast():
    x = draw("normal", np.zeros((2, 1)), np.ones(3))
    assert x.type.shape == (2, 3)
    assert np.array_equal(x.eval(), np.random.default_rng(1).normal(np.zeros((2, 1)), np.ones(3)))
    x = draw("multivariate_normal", pt.matrix(shape=(None, 3)), pt.tensor3(shape=(5, 3, 3)))
    assert x.type.shape == (5, 3)
    m, s = pt.dmatrix(), pt.dvector()
    y = draw("normal", m, s)
    shape = pytensor.function([m, s], y.shape)(np.zeros((2, 3)), np.ones(3))
    assert shape.tolist() == [2, 3]
