"""The unrolled GAN: its gradient against differences through the critic's moves done by hand, in float64."""

import chex
import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gengen.build.optimizers import adam, rmsprop, sgd
from gengen.core.parallel import AXIS
from gengen.core.transforms import scale_by_rate
from gengen.losses.adversarial import ADVERSARIAL_LOSSES
from gengen.models.gans.adversarial import adversarial
from gengen.models.gans.adversarial_game import Adversaries
from gengen.models.gans.unrolled import unrolled
from gengen.networks import mlp
from gengen.networks.critic import CriticNetwork, CriticOutput
from tests.units import scaled

SHAPE, RATE, KEY = (2, 2, 1), 0.3, jax.random.key(1)
B1, B2, EPS, EPS_ROOT = 0.5, 0.9, 1e-8, 1e-4


@pytest.fixture(autouse=True)
def promotion():
    """Optax's Adam raises a float to an integer power, which strict promotion refuses."""
    with jax.numpy_dtype_promotion("standard"):
        yield


class Generator(nn.Module):
    """tanh(z A + a), in float64 where that is switched on."""

    @nn.compact
    def __call__(self, latent, train):
        matrix = self.param("matrix", nn.initializers.normal(1.0), (2, 4), latent.dtype)
        offset = self.param("offset", nn.initializers.normal(0.3), (4,), latent.dtype)
        return jnp.tanh(latent @ matrix + offset[None]).reshape(-1, *SHAPE)


class Critic(CriticNetwork):
    """tanh(x B + b) c."""

    judges_alone = False

    @nn.compact
    def __call__(self, image, train):
        x = image.reshape(image.shape[0], -1).astype(jnp.zeros(()).dtype)
        params = {name: self.param(name, nn.initializers.normal(1.0), shape, x.dtype) for name, shape in SIZES.items()}
        return CriticOutput(judge(params, x), x)


SIZES = {"inner": (4, 3), "bias": (3,), "outer": (3,)}


def judge(params, x):
    return jnp.tanh(x @ params["inner"] + params["bias"][None]) @ params["outer"]


def generate(params, latent):
    return jnp.tanh(latent @ params["matrix"] + params["offset"][None])


def move_by_sgd(params, gradient, memory):
    return jax.tree.map(lambda w, g: w - RATE * g, params, gradient), memory


def move_by_adam(params, gradient, memory):
    """Algorithm 1 of Kingma and Ba 2015, with eps_root below the root."""
    first, second, count = memory or (jax.tree.map(jnp.zeros_like, params), jax.tree.map(jnp.zeros_like, params), 0)
    count = count + 1
    first = jax.tree.map(lambda m, g: B1 * m + (1 - B1) * g, first, gradient)
    second = jax.tree.map(lambda v, g: B2 * v + (1 - B2) * g**2, second, gradient)

    def moved(w, m, v):
        return w - RATE * m / (1 - B1**count) / (jnp.sqrt(v / (1 - B2**count) + EPS_ROOT) + EPS)

    return jax.tree.map(moved, params, first, second), (first, second, count)


CASES = {"sgd": (sgd, move_by_sgd), "adam": (lambda: adam(b1=B1, b2=B2, eps=EPS, eps_root=EPS_ROOT), move_by_adam)}


def with_rate(transform, rate):
    return optax.chain(transform, scale_by_rate(rate))


def batch(shape=SHAPE):
    return {"data": scaled(np.random.default_rng(0).integers(0, 256, (5, *shape), np.uint8))}


def on_one_replica(function, *args):
    return jax.tree.map(lambda x: x[0], jax.vmap(lambda _: function(*args), axis_name=AXIS)(jnp.zeros(1)))


def step(model, shape=SHAPE):
    """The state before and after the first step."""

    def run():
        state = model.init(jax.random.key(0), batch(shape))
        return state, on_one_replica(model.train_step, KEY, state, batch(shape))[0]

    return jax.jit(run)()


def critic_wants(critic, real, fake):
    return (jnp.log1p(jnp.exp(-judge(critic, real))) + jnp.log1p(jnp.exp(judge(critic, fake)))).mean()


def played(loss, optimizer, unroll):
    """The first step in float64, and by hand: what it saw, and the critic `ahead` of a generator."""
    transform, move = CASES[optimizer]
    networks = {"generator": Generator(), "critic": Critic()}
    optimizers = {"critic": with_rate(transform(), RATE), "generator": with_rate(optax.identity(), 1.0)}
    before, after = step(unrolled(networks=networks, optimizers=optimizers, loss=loss, latent=2, unroll=unroll))
    both = Adversaries(Generator(), Critic(), ADVERSARIAL_LOSSES[loss], 2)
    key = jax.random.fold_in(jax.random.fold_in(KEY, 0), 0)
    shared = on_one_replica(both.prepare, key, before, batch())
    real, latent = np.asarray(shared["real"], np.float64).reshape(5, 4), shared["latent"]
    generator, critic = (before.variables[name]["params"] for name in ("generator", "critic"))

    def answered(critic, memory, generator):
        return move(critic, jax.grad(critic_wants)(critic, real, generate(generator, latent)), memory)

    def ahead(generator):
        faced, memory = moved
        for _ in range(unroll):
            faced, memory = answered(faced, memory, generator)
        return faced

    moved = jax.jit(lambda: answered(critic, None, generator))()
    chex.assert_trees_all_close(after.variables["critic"]["params"], moved[0], rtol=1e-10)
    gradient = jax.tree.map(lambda a, b: np.asarray(a - b), generator, after.variables["generator"]["params"])
    return real, latent, generator, ahead, gradient


def assert_is_gradient(gradient, objective, generator):
    for name, params in generator.items():
        expected = differences(lambda leaf, name=name: objective({**generator, name: leaf}), np.asarray(params))
        np.testing.assert_allclose(gradient[name], expected, rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("optimizer", CASES)
@pytest.mark.parametrize("unroll", [1, 3])
def test_a_generator_that_wants_the_critics_loss_large_has_the_gradient_of_that_loss_after_the_moves(optimizer, unroll):
    with jax.enable_x64(True):
        real, latent, generator, ahead, gradient = played("minimax", optimizer, unroll)

        @jax.jit
        def value(generator):
            return -critic_wants(ahead(generator), real, generate(generator, latent))

        assert_is_gradient(gradient, value, generator)
        faced = ahead(generator)
        blind = jax.jit(jax.grad(lambda params: -critic_wants(faced, real, generate(params, latent))))(generator)
        for name in generator:  # what looking ahead is about
            assert np.abs(gradient[name] - blind[name]).max() > 1e-3


def test_another_loss_of_the_generator_judges_its_samples_and_not_the_moves_of_the_critic():
    with jax.enable_x64(True):
        real, latent, generator, ahead, gradient = played("non_saturating", "adam", 2)
        faced, made = jax.jit(ahead)(generator), generate(generator, latent)

        @jax.jit
        def wanted(params):
            own = jnp.log1p(jnp.exp(-judge(faced, generate(params, latent)))).mean()
            return own - critic_wants(ahead(params), real, made)

        assert_is_gradient(gradient, wanted, generator)


def differences(function, at, size=1e-5):
    gradient = np.zeros(at.shape)
    for index in np.ndindex(at.shape):
        up, down = at.copy(), at.copy()
        up[index] += size
        down[index] -= size
        gradient[index] = (function(up) - function(down)) / (2 * size)
    return gradient


LARGER = (4, 4, 1)


def networks(norm="none"):
    return {"generator": mlp.Generator(LARGER, widths=(8, 8)), "critic": mlp.Critic(widths=(8, 8), norm=norm)}


def optimizers():
    return {name: with_rate(adam(eps_root=1e-8), 0.01) for name in ("critic", "generator")}


def test_without_looking_ahead_it_is_the_plain_gan():
    arguments = {"networks": networks(), "optimizers": optimizers(), "latent": 3, "loss": "non_saturating"}
    (_, one), (_, other) = (
        step(model, LARGER)
        for model in (unrolled(**arguments, unroll=0), adversarial(**arguments, critic_steps=1, clip=None))
    )
    chex.assert_trees_all_close(one, other, rtol=1e-6, atol=1e-7)


@pytest.mark.slow
def test_looking_ahead_leaves_no_trace_in_the_critic_or_its_optimizer():
    arguments = {"networks": networks("batch"), "optimizers": optimizers(), "latent": 3}
    (before, plain), (_, looked) = (step(unrolled(**arguments, unroll=unroll), LARGER) for unroll in (0, 2))
    for part in (lambda state: state.variables["critic"], lambda state: state.opt["critic"]):
        # The bias before batch normalisation has no gradient but rounding, which Adam makes larger.
        chex.assert_trees_all_close(part(looked), part(plain), rtol=1e-6, atol=5e-5)
    assert looked.opt["critic"][0][0].count == 1  # moves that Adam remembers
    differ = jax.tree.map(
        lambda a, b: float(jnp.abs(a - b).max()), *(run.variables["critic"]["batch_stats"] for run in (before, looked))
    )
    assert max(jax.tree.leaves(differ)) > 1e-4
    kernels = [run.variables["generator"]["params"]["Dense_0"]["kernel"] for run in (plain, looked)]
    assert float(jnp.abs(kernels[0] - kernels[1]).max()) > 1e-5


def test_adam_has_no_derivative_at_a_zero_gradient_unless_something_is_added_below_its_root():
    def slope(eps_root):
        transform = adam(eps_root=eps_root)
        return jax.grad(lambda gradient: transform.update(gradient, transform.init(jnp.zeros(())))[0])(jnp.zeros(()))

    assert np.isnan(slope(0.0))
    np.testing.assert_allclose(slope(1e-8), 1 / (np.sqrt(1e-8) + 1e-8), rtol=1e-4)


def test_looking_back_is_refused():
    with pytest.raises(ValueError, match="unroll"):
        unrolled(networks=networks(), optimizers=optimizers(), unroll=-1)


@pytest.mark.parametrize(
    ("transform", "usable"),
    [(sgd(), True), (adam(eps_root=1e-8), True), (adam(), False), (rmsprop(), False)],
    ids=["sgd", "adam with eps_root", "adam", "rmsprop"],
)
def test_a_critic_whose_moves_have_no_derivative_is_refused(transform, usable):
    chosen = {"generator": optax.identity(), "critic": optax.chain(transform, scale_by_rate(RATE))}
    if usable:
        unrolled(networks=networks(), optimizers=chosen)
        return
    with pytest.raises(ValueError, match=r"optimizers\.critic .*eps_root"):
        unrolled(networks=networks(), optimizers=chosen)
