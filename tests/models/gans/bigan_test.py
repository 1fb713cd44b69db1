"""BiGAN: losses in closed form, roles that are exchanged, and coders that become inverse to each other."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from configs import base
from gengen.build.optimizers import build_optimizer
from gengen.core.parallel import AXIS
from gengen.core.state import State
from gengen.losses.adversarial import ADVERSARIAL_LOSSES
from gengen.models.autoencoders.priors import PRIORS
from gengen.models.gans.bigan import LOPSIDED, BiGAN, bigan
from gengen.networks import mlp
from gengen.networks.coders import GaussianCoder, PointCoder
from gengen.networks.conditional import ConditionalGenerator
from gengen.networks.critic import CriticNetwork, CriticOutput
from gengen.networks.joint import JointCritic

SIZE, LATENT = 8, 3


class Sum(CriticNetwork):
    """Judges by a number times the sum, and has seen what it was shown."""

    times: float = 1.0

    @property
    def judges_alone(self):
        return True

    @nn.compact
    def __call__(self, x, train):
        return CriticOutput(self.times * x.sum(-1), x)


class Twice(nn.Module):
    """Is twice what it is shown: a generator, and a body of an encoder."""

    @nn.compact
    def __call__(self, x, train):
        return 2 * x


def game(loss="hinge", unary=0.0, encoder=None, critic=None):
    critic = critic or JointCritic(Sum(0.1), Sum(0.2), Sum(-0.3))
    encoder = encoder or PointCoder(Twice(), LATENT)
    return BiGAN(Twice(), encoder, critic, ADVERSARIAL_LOSSES[loss], PRIORS["gaussian"](), LATENT, unary)


def begun(one):
    data = np.random.default_rng(0).normal(size=(SIZE, LATENT)).astype(np.float32)
    variables = one.init(jax.random.key(0), {"data": data})
    state = State(jnp.zeros((), jnp.int32), variables, {})
    return state, alone(lambda: one.prepare(jax.random.key(1), state, {"data": data}))


def alone(function):
    """What a function gives on the one replica that there is."""
    return jax.tree.map(lambda x: x[0], jax.vmap(lambda _: function(), axis_name=AXIS)(jnp.zeros(1)))


def kernel(state):
    return np.asarray(state.variables["encoder"]["params"]["Dense_0"]["kernel"], np.float64)


@pytest.mark.parametrize("unary", [0.0, 1.0, 2.5])
def test_losses_are_those_of_the_paper_of_the_pair_and_of_each_alone(unary):
    """BigBiGAN, eq. 1 to 4, with critics that are sums."""
    one = game("hinge", unary)
    state, batch = begun(one)
    data, latent = (np.asarray(batch[name], np.float64) for name in ("data", "latent"))
    codes = 2 * data @ kernel(state)
    each = {"real": (0.2 * data.sum(1), -0.3 * codes.sum(1)), "fake": (0.4 * latent.sum(1), -0.3 * latent.sum(1))}
    pair = {"real": 0.1 * (data.sum(1) + codes.sum(1)), "fake": 0.1 * 3 * latent.sum(1)}

    def total(part):
        return part(pair["real"], pair["fake"]) + unary * sum(part(*both) for both in zip(*each.values(), strict=True))

    critic = total(lambda real, fake: np.maximum(0, 1 - real) + np.maximum(0, 1 + fake)).mean()
    generator = total(lambda real, fake: real - fake).mean()
    value, (metrics, _) = one.critic_loss(jax.random.key(2), state, batch)
    assert float(value) == pytest.approx(critic, rel=1e-5)
    joint = np.maximum(0, 1 - pair["real"]) + np.maximum(0, 1 + pair["fake"])
    assert float(metrics["total_variation"].value) == pytest.approx((1 - joint / 2).mean(), rel=1e-4)
    assert float(metrics["accuracy_real"].value) == pytest.approx((pair["real"] > 0).mean())
    assert float(metrics["accuracy_fake"].value) == pytest.approx((pair["fake"] < 0).mean())
    value, _ = one.generator_loss(jax.random.key(2), state, batch)
    assert float(value) == pytest.approx(generator, rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("loss", ADVERSARIAL_LOSSES)
def test_who_is_fooled_by_one_kind_of_pairs_is_fooled_by_the_other_kind_as_much(loss):
    """With the roles of the two kinds exchanged, and the critic's sign, nothing changes."""
    real, fake = jax.random.normal(jax.random.key(0), (2, SIZE))
    one = ADVERSARIAL_LOSSES[loss]

    def logits(real, fake):
        return one.of_batch(real, fake) if one.of_batch else (real, fake)

    same = np.allclose(one.critic(*logits(real, fake)), one.critic(*logits(-fake, -real)), rtol=1e-5)
    assert same == (loss not in LOPSIDED)
    if not same:
        return

    def both(real, fake):
        return (one.generator(*logits(real, fake)) + one.generator(*logits(-fake, -real))).mean()

    np.testing.assert_allclose(both(real, fake), both(-fake, -real), rtol=1e-5)
    slopes = jax.grad(lambda pair: both(*pair))((real, fake))
    assert np.sum(slopes[0]) > 0 > np.sum(slopes[1])


def test_without_networks_for_each_the_joint_critic_sees_data_and_latents_as_they_are():
    critic = JointCritic(Sum())
    data, latent = jnp.arange(12.0).reshape(2, 3, 2), jnp.ones((2, 4))
    (judged,) = critic.apply({}, data, latent, train=False)
    np.testing.assert_allclose(judged.logit, [15 + 4, 51 + 4])
    with pytest.raises(ValueError, match="or for neither"):
        JointCritic(Sum(), Sum()).apply({}, data, latent, train=False)
    assert critic.judges_alone and not JointCritic(mlp.Critic(norm="batch")).judges_alone


def test_an_encoder_that_draws_has_the_law_that_it_gives_and_encodes_by_its_mean():
    one = game(encoder=GaussianCoder(Twice(), LATENT), critic=JointCritic(Sum()))
    state, batch = begun(one)
    found = one.encoder.apply(state.variables["encoder"], batch["data"], train=False)
    np.testing.assert_allclose(one.encode(jax.random.key(5), state.variables, batch["data"]), found.mean, rtol=1e-6)
    ((real, _),), _ = one.judged(state, batch)
    codes = found.mean + np.exp(found.log_deviation) * batch["noise"]
    np.testing.assert_allclose(real.logit, (batch["data"] + codes).sum(1), rtol=1e-4, atol=1e-5)
    assert np.abs(np.asarray(batch["noise"])).min() > 0


def test_codes_stay_where_a_prior_has_some():
    one = game()._replace(prior=PRIORS["uniform"](bound=0.5))
    state, batch = begun(one)
    far = one.encode(jax.random.key(5), state.variables, 9 * batch["data"])
    assert 0.49 < np.abs(far).max() <= 0.5
    near = one.encode(jax.random.key(5), state.variables, 1e-3 * batch["data"])
    np.testing.assert_allclose(near, 2e-3 * batch["data"] @ kernel(state), atol=1e-5)
    drawn = np.asarray(one.drawn(jax.random.key(6), state.variables, 2_000))
    assert np.abs(drawn).max() <= 0.5
    assert drawn.std() == pytest.approx(0.5 / 3**0.5, rel=0.02)


@pytest.mark.slow
def test_coders_become_inverse_to_each_other():
    """Of points whose two coordinates depend on each other: codes that say nothing would leave twice the variance."""
    networks = {
        "generator": mlp.Generator((2,), widths=(64, 64), norm="none", bounded=False),
        "encoder": mlp.Encoder(widths=(64, 64), activation="leaky_relu"),
        "joint_critic": mlp.Critic(widths=(64, 64)),
    }
    section = base.optimizer("adam", 1e-3, b1=0.5)
    optimizers = {player: build_optimizer(section, 6_000, player) for player in ("critic", "generator")}
    model = bigan(networks=networks, optimizers=optimizers, prior=PRIORS["gaussian"](), latent=2)
    data = np.random.default_rng(0).normal(size=(512, 2)) @ [[1.0, 0.7], [0.0, 0.7]]
    data = data.astype(np.float32)
    state = jax.jit(model.init)(jax.random.key(0), {"data": data[:1]})

    @jax.jit
    def train(state):
        def step(state, place):
            batch = {"data": jax.random.choice(jax.random.fold_in(jax.random.key(1), place), data, (128,))}
            return model.train_step(jax.random.fold_in(jax.random.key(2), place), state, batch)[0], None

        return jax.lax.scan(step, state, jnp.arange(6_000))[0]

    with jax.numpy_dtype_promotion("standard"):  # Optax's Adam raises a float to an integer power
        state = alone(lambda: train(state))
    codes = model.encode(jax.random.key(3), state.variables, data)
    error = np.square(model.decode(jax.random.key(3), state.variables, codes) - data).mean(0) / data.var(0)
    assert error.max() < 0.8
    assert np.abs(np.corrcoef(np.asarray(codes).T)[0, 1]) < 0.3


def networks(**changed):
    made = {"generator": mlp.Generator((2,)), "encoder": mlp.Encoder(), "joint_critic": mlp.Critic()} | changed
    return {name: network for name, network in made.items() if network}


@pytest.mark.parametrize(
    ("said", "given"),
    [
        ("must have joint_critic", {"networks": networks(joint_critic=None)}),
        ("both, or neither", {"networks": networks(critic=mlp.Critic())}),
        ("knows no labels", {"networks": networks(generator=ConditionalGenerator(mlp.Generator((2,)), 3))}),
        ("loss='softmax' must be one of", {"loss": "softmax"}),
        ("latent=3 must be 2", {"prior": PRIORS["swiss_roll"](), "latent": 3}),
    ],
)
def test_what_does_not_go_together_is_refused(said, given):
    optimizers = {player: optax.sgd(0.1) for player in ("critic", "generator")}
    with pytest.raises(ValueError, match=said):
        bigan(**{"networks": networks(), "optimizers": optimizers, "prior": PRIORS["gaussian"](), **given})
