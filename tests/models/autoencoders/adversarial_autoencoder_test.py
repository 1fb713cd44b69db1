"""The adversarial autoencoder: who moves what, what the critics are shown, and what the codes say."""

import functools
import math

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gengen.core.parallel import AXIS, parallel, replicate
from gengen.core.transforms import scale_by_rate
from gengen.losses.adversarial import ADVERSARIAL_LOSSES
from gengen.losses.likelihood import squared_error
from gengen.models.autoencoders import corruption, priors
from gengen.models.autoencoders.adversarial_autoencoder import adversarial_autoencoder
from gengen.models.autoencoders.adversarial_autoencoder_game import CATEGORY, STYLE, Matching
from gengen.models.critic_game import CriticGame
from gengen.networks import mlp
from gengen.networks.coders import PointCoder
from gengen.networks.conditional import ConditionalCritic
from tests.units import scaled

SHAPE, SIZE, LATENT, CLASSES = (4, 4, 1), 6, 2, 3
NETWORKS = {
    "encoder": mlp.Encoder(widths=(8,), bounded=True),
    "decoder": mlp.Decoder(SHAPE, widths=(8,)),
    "critic": mlp.Critic(widths=(8,)),
    "category_critic": mlp.Critic(widths=(8,)),
}
TURNS = {
    "autoencoder": {"encoder", "decoder"},
    "critic": {"critic"},
    "category_critic": {"category_critic"},
    "generator": {"encoder"},
    "classifier": {"encoder"},
}
PRIOR = priors.mixture(components=CLASSES)


def descent():
    """Gradient descent whose rate is its state, so that one compiled step serves all of them."""

    def move(slopes, rate, params=None):
        return jax.tree.map(lambda slope: -rate * slope, slopes), rate

    return optax.GradientTransformation(lambda params: jnp.zeros(()), move)


def build(networks=NETWORKS, prior=PRIOR, **arguments):
    return adversarial_autoencoder(
        networks=networks,
        optimizers=dict.fromkeys(TURNS, descent()),
        likelihood=squared_error(rank=3),
        prior=prior,
        corruption=corruption.none(),
        **{"classes": CLASSES, "latent": LATENT, **arguments},
    )


SEMI = {"categories": CLASSES, "semi_supervised": True}


def images(size=SIZE, seed=0):
    rng = np.random.default_rng(seed)
    return {
        "data": scaled(rng.integers(0, 256, (size, *SHAPE), np.uint8)),
        "label": rng.integers(0, CLASSES, size, np.int32),
    }


def two_streams():
    return {"data": images()["data"], "labelled": images(seed=1)}


@functools.cache
def started(**arguments):
    """A model, its first state and its step on one replica."""
    model = build(**{name: dict(value) if name == "networks" else value for name, value in arguments.items()})
    step = jax.vmap(model.train_step, in_axes=(None, None, 0), axis_name=AXIS)
    return model, jax.jit(model.init)(jax.random.key(0), two_streams()), jax.jit(step)


def first(**arguments):
    return started(**arguments)[1]


def moved(batch, rates, state=None, **arguments):
    """The state after one step in which only the players with a rate move, and the metrics' values."""
    _, fresh, step = started(**arguments)
    state = state or fresh
    state = state.replace(opt={player: jnp.float32(rates.get(player, 0)) for player in state.opt})
    after = step(jax.random.key(1), state, jax.tree.map(lambda x: x[None], batch))
    after, metrics = jax.tree.map(lambda x: x[0], after)
    return after, {name: float(mean.value) for name, mean in metrics.items()}


def different(before, after):
    """Names of the networks that a step has changed."""
    same = {
        name: all(jax.tree.leaves(jax.tree.map(lambda a, b: bool((a == b).all()), before[name], after[name])))
        for name in before
    }
    return {name for name, is_same in same.items() if not is_same}


@pytest.mark.parametrize("player", TURNS)
def test_a_player_moves_its_own_networks_and_no_others(player):
    after, _ = moved(two_streams(), {player: 0.1}, **SEMI)
    assert different(first(**SEMI).variables, after.variables) == TURNS[player]


def test_turns_are_played_in_the_order_of_the_paper():
    order = [*TURNS]
    _, still = moved(two_streams(), {}, **SEMI)
    for index, player in enumerate(order):
        _, metrics = moved(two_streams(), {player: 0.1}, **SEMI)
        feel = {name for name in order if metrics[f"{name}/loss"] != still[f"{name}/loss"]}
        assert feel <= set(order[index + 1 :]), f"{player} moves before {feel}"
        assert feel or player == "classifier"
    assert {name.split("/")[0] for name in moved(images(), {})[1]} == {"autoencoder", "critic", "generator"}


def test_a_critic_that_has_no_opinion_neither_moves_the_encoder_nor_sees_a_distance():
    state = first(**SEMI)
    blind = {name: jax.tree.map(jnp.zeros_like, state.variables[name]) for name in (STYLE, CATEGORY)}
    state = state.replace(variables={**state.variables, **blind})
    after, metrics = moved(two_streams(), {"generator": 1.0}, state=state, **SEMI)
    assert different(state.variables, after.variables) == set()
    for name in (STYLE, CATEGORY):
        assert metrics[f"{name}/loss"] == pytest.approx(2 * math.log(2), rel=1e-6)
        assert metrics[f"{name}/jensen_shannon"] == pytest.approx(0, abs=1e-6)
    assert metrics["generator/loss"] == pytest.approx(2 * math.log(2), rel=1e-6)


def test_the_generator_climbs_the_critics_logit():
    """For a linear critic v . z the slope of softplus(-v . z) is -sigmoid(-v . z) v, and the code has a bias."""
    with_line = {"networks": tuple({**NETWORKS, "critic": mlp.Critic(widths=())}.items())}
    model, state, _ = started(**with_line)
    after, _ = moved(images(), {"generator": 0.5}, **with_line)
    weights = state.variables["critic"]["params"]["Dense_0"]["kernel"][:, 0]
    codes = model.encode(jax.random.key(0), state.variables, jnp.asarray(images()["data"]))
    slopes = -jax.nn.sigmoid(-codes @ weights)[:, None] * weights[None]
    was, now = (run.variables["encoder"]["params"]["Dense_0"]["bias"] for run in (state, after))
    np.testing.assert_allclose(now - was, -0.5 * slopes.mean(0), rtol=1e-4, atol=1e-6)


def test_the_classifiers_turn_descends_the_cross_entropy_of_the_labelled_images():
    (model, state, _), labelled = started(**SEMI), images(seed=1)

    def cross_entropy(params):
        variables = {**state.variables, "encoder": {**state.variables["encoder"], "params": params}}
        said = model.recognise(jax.random.key(0), variables, jnp.asarray(labelled["data"]))["label"]
        return -said[jnp.arange(SIZE), labelled["label"]].mean(), said

    params = state.variables["encoder"]["params"]
    (loss, said), slope = jax.jit(jax.value_and_grad(cross_entropy, has_aux=True))(params)
    after, metrics = moved(two_streams(), {"classifier": 0.1}, **SEMI)
    assert metrics["classifier/loss"] == pytest.approx(float(loss), rel=1e-5)
    assert metrics["classifier/accuracy"] == pytest.approx(float((said.argmax(-1) == labelled["label"]).mean()))
    expected = jax.tree.map(lambda w, g: w - 0.1 * g, params, slope)
    chex.assert_trees_all_close(after.variables["encoder"]["params"], expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("stream", ["data", "labelled"])
def test_the_order_of_a_streams_images_does_not_matter(stream):
    rates, batch = dict.fromkeys(TURNS, 0.1), two_streams()
    turned = {**batch, stream: jax.tree.map(lambda x: x[::-1], batch[stream])}
    (one, measured), (other, also) = moved(batch, rates, **SEMI), moved(turned, rates, **SEMI)
    chex.assert_trees_all_close(one.variables, other.variables, rtol=1e-4, atol=1e-6)
    assert measured == pytest.approx(also, rel=1e-4)


def test_labelled_images_teach_nothing_but_the_categories():
    batch = two_streams()
    others = {**batch, "labelled": images(seed=5)}
    (one, measured), (other, also) = (moved(fed, {"classifier": 0.1}, **SEMI) for fed in (batch, others))
    assert different(one.variables, other.variables) == {"encoder"}
    for name in measured.keys() - {"classifier/accuracy"}:  # which may be equal by chance
        assert (measured[name] == also[name]) == (name not in ("classifier/loss", "classifier/gradient_norm")), name


def game(classes=CLASSES, **changes):
    """The pure functions of a label-aware game."""
    loss = ADVERSARIAL_LOSSES["non_saturating"]
    plain = Matching(
        encoder=PointCoder(NETWORKS["encoder"], LATENT),
        decoder=NETWORKS["decoder"],
        critics={STYLE: CriticGame(NETWORKS["critic"], loss)},
        likelihood=squared_error(rank=3),
        prior=priors.mixture(components=CLASSES, along=0.01, across=0.01),
        corrupt=corruption.none(),
        reduction="mean",
        latent=LATENT,
        categories=0,
        classes=classes,
        supervised=False,
    )
    return plain._replace(**changes)


def prepared(game, batch):
    make = jax.vmap(lambda batch: game.prepare(jax.random.key(0), None, batch), axis_name=AXIS)
    return jax.tree.map(lambda x: np.asarray(x[0]), jax.jit(make)(jax.tree.map(lambda x: x[None], batch)))


def components(codes):
    """Which component codes [B, 2] are nearest to."""
    return np.rint(np.arctan2(codes[:, 1], codes[:, 0]) / (2 * math.pi / CLASSES)).astype(int) % CLASSES


def test_a_label_aware_critic_is_told_labels_and_shown_draws_of_their_components():
    batch = images(30)
    matched = prepared(game(), batch)["matched"]
    np.testing.assert_array_equal(matched["label_code"], np.eye(CLASSES + 1)[batch["label"]])
    np.testing.assert_array_equal(components(matched["drawn"][STYLE]), batch["label"])


def test_unlabelled_images_have_a_class_of_their_own_and_draws_of_the_whole_prior():
    batch = images(60)
    batch["label"][:30] = -1
    matched = prepared(game(), batch)["matched"]
    np.testing.assert_array_equal(matched["label_code"][:30], np.eye(CLASSES + 1)[[CLASSES] * 30])
    assert set(components(matched["drawn"][STYLE][:30])) == set(range(CLASSES))
    np.testing.assert_array_equal(components(matched["drawn"][STYLE][30:]), batch["label"][30:])


def test_a_label_aware_critic_sees_unlabelled_and_labelled_streams():
    labelled = images(12, seed=1)
    batch = prepared(game(), {"data": images(20)["data"], "labelled": labelled})
    told = np.concatenate([np.full(20, CLASSES), labelled["label"]])
    np.testing.assert_array_equal(batch["matched"]["label_code"].argmax(-1), told)
    assert batch["data"].shape[0] == 20
    np.testing.assert_allclose(batch["matched"]["seen"][20:], jnp.asarray(labelled["data"]))


def test_the_critic_of_a_game_that_is_not_label_aware_is_told_nothing():
    assert prepared(game(classes=0), images())["matched"]["label_code"].shape == (SIZE, 0)


@pytest.mark.parametrize("loss", ADVERSARIAL_LOSSES)
@pytest.mark.parametrize("norm", ["none", "batch"])
def test_a_critic_that_judges_both_in_one_batch_says_what_it_says_of_each(loss, norm):
    """Without normalisation the batch changes nothing; the losses are those of the table."""
    critic = CriticGame(mlp.Critic(widths=(4, 4), norm=norm), ADVERSARIAL_LOSSES[loss])
    rng = np.random.default_rng(0)
    drawn, found = (jnp.asarray(rng.normal(size=(SIZE, LATENT)), jnp.float32) for _ in range(2))
    variables = dict(critic.network.init(jax.random.key(0), drawn, train=False))

    def outcome(_):
        return critic.critic_losses(variables, drawn, found)[0], critic.generator_losses(variables, drawn, found)[0]

    def alone(vectors):
        return critic.network.apply(variables, vectors, train=True, mutable=["batch_stats"])[0]

    def of_each(_):
        return critic.logits(alone(drawn), alone(found))

    def on_one_replica(function):
        return jax.tree.map(lambda x: x[0], jax.jit(jax.vmap(function, axis_name=AXIS))(jnp.zeros(1)))

    (of_critic, of_encoder), (real, fake) = on_one_replica(outcome), on_one_replica(of_each)
    np.testing.assert_allclose(of_critic, critic.loss.critic(real, fake), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(of_encoder, critic.loss.generator(real, fake), rtol=1e-4, atol=1e-5)


def test_codes_begin_with_the_probabilities_that_are_recognised():
    model, state, _ = started(**SEMI)
    data = jnp.asarray(images(20)["data"])
    codes = jax.jit(model.encode)(jax.random.key(0), state.variables, data)
    chex.assert_shape(codes, (20, CLASSES + LATENT))
    said = model.recognise(jax.random.key(0), state.variables, data)
    np.testing.assert_allclose(np.exp(said["label"]), codes[:, :CLASSES], rtol=1e-5)
    chex.assert_shape(model.decode(jax.random.key(0), state.variables, codes), data.shape)


@pytest.mark.parametrize(("arguments", "name"), [(SEMI, "label"), ({"categories": 5}, "category")])
def test_categories_are_drawn_alike_unless_they_are_told(arguments, name):
    model, n = build(**arguments), 3000
    prior = jax.jit(model.prior, static_argnums=2)
    count = arguments["categories"]
    assert {asked: condition.classes for asked, condition in model.conditions.items()} == {name: count}
    drawn = np.asarray(prior(jax.random.key(0), {}, n))
    np.testing.assert_array_equal(np.sort(drawn[:, :count], -1), np.eye(count)[[-1] * n])
    np.testing.assert_allclose(drawn[:, :count].mean(0), 1 / count, atol=5 * math.sqrt(1 / count / n))
    told = np.asarray(prior(jax.random.key(0), {}, n, {name: jnp.full(n, 2)}))
    np.testing.assert_array_equal(told[:, :count], np.eye(count)[[2] * n])
    np.testing.assert_array_equal(told[:, count:], drawn[:, count:])


def test_a_label_aware_prior_draws_the_component_that_it_is_told():
    model, labels = build(label_aware=True), jnp.arange(30) % CLASSES
    assert model.conditions["label"].classes == CLASSES
    prior = jax.jit(model.prior, static_argnums=2)
    told = prior(jax.random.key(0), {}, 30, {"label": labels})
    np.testing.assert_array_equal(components(np.asarray(told)), labels)
    assert len(set(components(np.asarray(prior(jax.random.key(0), {}, 30))))) == CLASSES
    assert model.recognise is None


def test_samples_are_decoded_draws_of_the_prior():
    model, state, _ = started()
    drawn = jax.jit(model.prior, static_argnums=2)(jax.random.key(3), state.variables, 5)
    sampled = jax.jit(model.sample, static_argnums=2)(jax.random.key(3), state.variables, 5)
    np.testing.assert_allclose(sampled, model.decode(jax.random.key(4), state.variables, drawn), rtol=1e-6)
    assert dict(model.conditions) == {}


def test_reductions_differ_by_the_number_of_pixels():
    losses = [moved(images(), {}, reduction=reduction)[1]["autoencoder/loss"] for reduction in ("mean", "sum")]
    assert losses[1] == pytest.approx(math.prod(SHAPE) * losses[0], rel=1e-5)


@pytest.mark.heavy
def test_codes_come_to_be_spread_as_the_prior_is():
    with jax.numpy_dtype_promotion("standard"):  # Optax's Adam raises a float to an integer power
        model = adversarial_autoencoder(
            networks={
                **NETWORKS,
                "encoder": mlp.Encoder(widths=(), bounded=True),
                "critic": mlp.Critic(widths=(32, 32)),
            },
            optimizers={
                player: optax.chain(optax.scale_by_adam(0.5), scale_by_rate(rate))
                for player, rate in (("autoencoder", 0.0), ("critic", 5e-3), ("generator", 5e-3))
            },
            likelihood=squared_error(rank=3),
            prior=priors.gaussian(deviation=2.0),
            corruption=corruption.none(),
            latent=1,
        )
        rng, one = np.random.default_rng(0), jax.devices()[:1]
        batches = {"data": scaled(rng.integers(0, 256, (1, 2000, 32, *SHAPE), np.uint8))}
        state = replicate(jax.jit(model.init)(jax.random.key(0), {"data": batches["data"][0, 0]}), one)
        seen = jnp.asarray(scaled(rng.integers(0, 256, (2000, *SHAPE), np.uint8)))
        before = model.encode(jax.random.key(0), state.variables, seen).std()
        state, _ = parallel(model.train_step, one)(jax.random.key(1), state, batches)
        after = model.encode(jax.random.key(0), state.variables, seen)
    assert before < 1.2
    assert float(after.std()) == pytest.approx(2.0, rel=0.2)
    assert abs(float(after.mean())) < 0.4


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"loss": "none"}, "loss='none' must be one of minimax"),
        ({"latent": 0}, "latent=0 must be at least 1"),
        ({"reduction": "max"}, "reduction='max' must be one of sum, mean"),
        ({"categories": 1}, "categories=1 must be 0 or at least 2"),
        ({"categories": 3, "label_aware": True}, "do not go together"),
        ({"classes": 0, "label_aware": True}, "label_aware=True needs data with labels"),
        ({"classes": 0, "semi_supervised": True}, "semi_supervised=True needs data with labels"),
        ({"categories": 4, "semi_supervised": True}, "categories=4 must be 3"),
        ({"classes": 4, "label_aware": True}, "3 parts, and there are 4 classes"),
        ({"prior": priors.gaussian(), "label_aware": True}, "no parts that could belong to classes"),
        (
            {"networks": {**NETWORKS, "critic": ConditionalCritic(NETWORKS["critic"], 3, "concatenated")}},
            "networks.critic.condition must be 'none'",
        ),
        (
            {"networks": {name: NETWORKS[name] for name in ("encoder", "decoder", "critic")}, "categories": 3},
            "this game needs the network category_critic",
        ),
    ],
)
def test_what_does_not_go_together_is_refused(arguments, complaint):
    with pytest.raises(ValueError, match=complaint):
        build(**arguments)


def test_a_semi_supervised_game_refuses_data_without_a_labelled_stream():
    with pytest.raises(ValueError, match=r"data\.labelled must be above 0"):
        build(**SEMI).init(jax.random.key(0), images())


def test_a_player_without_an_optimizer_is_refused():
    with pytest.raises(ValueError, match=r"this game needs optimizers\.generator"):
        adversarial_autoencoder(
            networks=NETWORKS,
            optimizers={"autoencoder": descent(), "critic": descent()},
            likelihood=squared_error(rank=3),
            prior=PRIOR,
            corruption=corruption.none(),
            latent=2,
        )


def test_the_notes_say_what_is_minimised_and_what_is_held():
    said = build(**SEMI).notes
    assert "squared error" in said
    assert "styles to a mixture of 3 normal distributions" in said
    assert "3 categories" in said
    assert "cross-entropy" in said
    assert "by class" in build(label_aware=True).notes
