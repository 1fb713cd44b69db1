"""Config sections become the optimizers that they name."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from ml_collections import ConfigDict

from configs import adapt, base, cyclegan, gan, infogan, pix2pix, unrolled
from gengen.build.model import build_model, example_batch, judged_as_one
from gengen.build.networks import build_network
from gengen.build.optimizers import RATE, build_optimizer, learning_rates
from gengen.build.parts import build_terms, build_views
from gengen.core.refusal import Refusal
from gengen.data.signature import Signature
from gengen.models.gans.terms import TERMS
from gengen.models.gans.views import VIEWS
from gengen.networks import mlp
from gengen.networks.captioned import CaptionedCritic, CaptionedGenerator
from gengen.networks.conditional import CONDITIONS, ConditionalCritic, ConditionalGenerator
from gengen.runs.check import check_config

PARAMS = {"w": jnp.asarray([1.0, -2.0, 3.0])}


@pytest.fixture(autouse=True)
def promotion():
    """Optax's Adam raises a float to an integer power, which strict promotion refuses."""
    with jax.numpy_dtype_promotion("standard"):
        yield


def moves(section, gradients, steps=100):
    """Plays gradients through an optimizer; returns the parameters after each."""
    optimizer = optax.with_extra_args_support(build_optimizer(ConfigDict(section), steps))
    state, params, seen = optimizer.init(PARAMS), PARAMS, []
    for step, gradient in enumerate(gradients):
        updates, state = optimizer.update({"w": gradient}, state, params, step=jnp.asarray(step, jnp.int32))
        params = optax.apply_updates(params, updates)
        seen.append(np.asarray(params["w"]))
    return seen


GRADIENTS = [jnp.asarray(g) for g in ([1.0, 2.0, -1.0], [0.5, -1.0, 4.0], [2.0, 0.0, 1.0])]


def test_adam_is_optax_adam():
    reference, expected, params = optax.adam(0.1, b1=0.5), [], PARAMS
    state = reference.init(params)
    for gradient in GRADIENTS:
        updates, state = reference.update({"w": gradient}, state, params)
        params = optax.apply_updates(params, updates)
        expected.append(np.asarray(params["w"]))
    chex.assert_trees_all_close(moves({"name": "adam", "rate": 0.1, "b1": 0.5}, GRADIENTS), expected, rtol=1e-6)


def test_adamw_is_adam_with_a_decay_of_kernels_alone():
    section = ConfigDict({"name": "adamw", "rate": 0.1, "decay": 0.5})
    optimizer = optax.with_extra_args_support(build_optimizer(section, 100))
    params = {"flow": {"layer": {"kernel": PARAMS["w"], "bias": PARAMS["w"]}}}
    state, kernel, bias = optimizer.init(params), PARAMS["w"], PARAMS["w"]
    for step, gradient in enumerate(GRADIENTS):
        given = {"flow": {"layer": {"kernel": gradient, "bias": gradient}}}
        params = {"flow": {"layer": {"kernel": kernel, "bias": bias}}}
        updates, state = optimizer.update(given, state, params, step=jnp.asarray(step, jnp.int32))
        moved = updates["flow"]["layer"]
        chex.assert_trees_all_close(moved["kernel"], moved["bias"] - 0.1 * 0.5 * kernel, atol=1e-7)
        kernel, bias = kernel + moved["kernel"], bias + moved["bias"]
    chex.assert_trees_all_close(bias, moves({"name": "adam", "rate": 0.1}, GRADIENTS)[-1], rtol=1e-6)


def test_rmsprop_divides_by_the_root_of_the_running_square_plus_epsilon():
    w, square, expected = np.asarray(PARAMS["w"]), np.zeros(3), []
    for gradient in map(np.asarray, GRADIENTS):
        square = 0.99 * square + 0.01 * gradient**2
        w = w - 0.1 * gradient / (np.sqrt(square) + 1e-8)
        expected.append(w.astype(np.float32))
    chex.assert_trees_all_close(moves({"name": "rmsprop", "rate": 0.1}, GRADIENTS), expected, rtol=1e-5, atol=1e-6)


def test_sgd_with_and_without_momentum():
    plain = moves({"name": "sgd", "rate": 0.1}, GRADIENTS)[-1]
    chex.assert_trees_all_close(plain, np.asarray(PARAMS["w"] - 0.1 * sum(GRADIENTS)), rtol=1e-6)
    first, second, _ = GRADIENTS
    heavy = moves({"name": "sgd", "rate": 0.1, "momentum": 0.9}, GRADIENTS[:2])[-1]
    chex.assert_trees_all_close(heavy, np.asarray(PARAMS["w"] - 0.1 * (first + second + 0.9 * first)), rtol=1e-6)


@pytest.mark.parametrize(("schedule", "factors"), [("linear", [1, 0.75, 0.5]), ("cosine", [1, 0.8535534, 0.5])])
def test_schedules_bring_the_rate_down_over_the_run(schedule, factors):
    ones = [jnp.ones(3)] * 3
    section = {"name": "sgd", "rate": 0.1, "schedule": schedule}
    seen = moves(section, ones, steps=4)
    chex.assert_trees_all_close(np.asarray(PARAMS["w"]) - seen[-1], np.full(3, 0.1 * sum(factors)), rtol=1e-4)
    told = learning_rates(ConfigDict({"critic": section, "generator": {"name": "sgd"}}), 4)
    np.testing.assert_allclose([told(step)["critic"] for step in range(3)], 0.1 * np.array(factors), rtol=1e-5)
    assert told(3)["generator"] == RATE


def rates(steps, at):
    """The rate at some steps of a run whose schedule is in rounds, relative to the first."""
    optimizer = optax.with_extra_args_support(
        build_optimizer(ConfigDict({"name": "sgd", "rate": 0.1, "schedule": "rounds"}), steps)
    )

    def rate(step):
        return optimizer.update({"w": jnp.ones(())}, optimizer.init(PARAMS), PARAMS, step=step)[0]["w"]

    return np.asarray(jax.vmap(rate)(jnp.asarray(at, jnp.int32))) / -0.1


def test_rounds_are_3_to_the_i_of_3280_passes_at_10_to_the_minus_i_over_7():
    """Burda et al. 2016, section 5, with ten steps to a pass."""
    expected = np.concatenate([np.full(10 * 3**i, 10 ** (-i / 7)) for i in range(8)])
    assert len(expected) == 32_800
    np.testing.assert_allclose(rates(32_800, np.arange(32_800)), expected, rtol=1e-5)


@pytest.mark.parametrize("steps", [1, 10, 100, 1000])
def test_rounds_too_short_for_a_step_are_left_out_and_the_last_rate_is_a_tenth(steps):
    found = rates(steps, np.arange(steps + 1))
    assert found[-1] == pytest.approx(0.1, rel=1e-5)
    assert np.all(np.diff(found) <= 0)
    starts = [round(steps * (3**i - 1) / 2 / 3280) for i in range(8)]
    for i, start in enumerate(starts):
        if start not in starts[i + 1 :]:
            assert found[start] == pytest.approx(10 ** (-i / 7), rel=1e-5)


def test_gradients_are_clipped_together_by_their_norm():
    (moved,) = moves({"name": "sgd", "rate": 1.0, "clip_norm": 0.5}, [jnp.asarray([3.0, 4.0, 0.0])])
    chex.assert_trees_all_close(np.asarray(PARAMS["w"]) - moved, np.asarray([0.3, 0.4, 0.0], np.float32), rtol=1e-5)


def test_accumulated_gradients_move_once_by_their_mean():
    seen = moves({"name": "sgd", "rate": 1.0, "accumulate": 3}, GRADIENTS)
    chex.assert_trees_all_close(seen[0], np.asarray(PARAMS["w"]))
    chex.assert_trees_all_close(seen[1], np.asarray(PARAMS["w"]))
    chex.assert_trees_all_close(seen[2], np.asarray(PARAMS["w"] - sum(GRADIENTS) / 3), rtol=1e-6)


@pytest.mark.parametrize(
    "wrong",
    [{"name": "lion"}, {"rate": -1.0}, {"schedule": "up"}, {"clip_norm": -1.0}, {"accumulate": 0}, {"b1": 0.5}],
)
def test_what_is_wrong_is_named(wrong):
    (key,) = wrong
    with pytest.raises(Refusal, match=rf"config\.optimizers\.{key}"):
        build_optimizer(ConfigDict({"name": "sgd", "rate": 0.1, **wrong}), 10)


# Views and terms.


def test_nothing_is_switched_on_by_default():
    assert build_views(base.views()) == build_terms(base.terms()) == []
    assert set(base.views()) == set(VIEWS)
    assert set(base.terms()) == set(TERMS)


def test_views_that_are_switched_on_come_in_their_order_whatever_the_configs():
    sections = base.views()
    sections.packing.size, sections.augmentation.probability, sections.instance_noise.deviation = 2, 0.5, 0.1
    backwards = {name: sections[name] for name in sorted(sections, reverse=True)}
    assert [view.name for view in build_views(backwards)] == ["augmentation", "instance_noise", "packing"]


def test_terms_that_have_a_weight_are_built_with_it_and_their_arguments():
    sections = base.terms()
    sections.gradient_penalty.weight, sections.auxiliary_classifier.weight = 10.0, 0.5
    sections.feature_matching.update(weight=2.0, alone=False)
    built = sorted((term.name, term.player, term.weight, term.alone) for term in build_terms(sections))
    assert built == [
        ("auxiliary_classifier", "critic", 0.5, False),
        ("auxiliary_classifier", "generator", 0.5, False),
        ("feature_matching", "generator", 2.0, False),
        ("gradient_penalty", "critic", 10.0, False),
    ]


@pytest.mark.parametrize(
    ("section", "wrong", "match"),
    [
        ("views", {"packing": {"size": 0}}, r"model\.views\.packing\.size=0"),
        ("views", {"packing": {"number": 2}}, r"model\.views\.packing\.number"),
        ("views", {"mirror": {"size": 1}}, r"model\.views\.mirror"),
        ("views", {"augmentation": {"probability": 2.0}}, r"model\.views\.augmentation\.probability=2"),
        ("terms", {"r1": {"weight": -1.0}}, r"model\.terms\.r1\.weight=-1"),
        ("terms", {"r1": {"weight": float("nan")}}, r"model\.terms\.r1\.weight=nan"),
        ("terms", {"dragan": {"weight": 1.0, "deviation": 0.0}}, r"model\.terms\.dragan\.deviation=0"),
        ("terms", {"r1": {"weight": 1.0, "gamma": 1.0}}, r"model\.terms\.r1\.gamma"),
        ("terms", {"r3": {"weight": 1.0}}, r"model\.terms\.r3"),
    ],
)
def test_what_is_wrong_with_a_view_or_a_term_is_named(section, wrong, match):
    with pytest.raises(Refusal, match=match):
        build_views(wrong) if section == "views" else build_terms(wrong)


def test_a_batch_that_cannot_be_packed_on_every_device_is_refused():
    config, devices = base.gan(*base.mlp()), jax.device_count()
    config.model.views.packing.size = 3
    assert judged_as_one(config) == 3
    config.training.batch_size = 6 * devices
    check_config(config)
    config.training.batch_size = 4 * devices
    with pytest.raises(Refusal, match=rf"{devices} devices in packs of 3; try {3 * devices} or {6 * devices}"):
        check_config(config)


# Conditions.


@pytest.mark.parametrize("condition", CONDITIONS)
def test_networks_that_are_told_labels_know_how_many_there_are(condition):
    generator = {"name": "mlp", "widths": (4,), "condition": "embedding"}
    critic = {"name": "mlp", "widths": (4,), "condition": condition}
    told, asked = (
        build_network(role, section, (8, 8, 1), 7)
        for role, section in (("generator", ConfigDict(generator)), ("critic", ConfigDict(critic)))
    )
    assert (type(told), told.classes) == (ConditionalGenerator, 7)
    assert (type(asked), asked.classes, asked.condition) == (ConditionalCritic, 7, condition)
    assert type(build_network("critic", ConfigDict({**critic, "condition": "none"}), (8, 8, 1), 7)) is mlp.Critic


def test_networks_that_are_told_texts_know_how_many_words_there_are():
    section = ConfigDict({"name": "mlp", "widths": (4,), "condition": "text"})
    told, asked = (build_network(role, section, (8, 8, 1), words=6) for role in ("generator", "critic"))
    assert (type(told), told.vocabulary) == (CaptionedGenerator, 7)
    assert (type(asked), asked.vocabulary) == (CaptionedCritic, 7)
    with pytest.raises(Refusal, match=r"networks\.critic\.condition='text' needs data with captions"):
        build_network("critic", section, (8, 8, 1), 7)


@pytest.mark.parametrize(("role", "condition"), [("generator", "projection"), ("critic", "embedding")])
def test_a_condition_of_the_other_network_is_refused(role, condition):
    with pytest.raises(Refusal, match=rf"networks\.{role}\.condition='{condition}' must be one of none"):
        build_network(role, ConfigDict({"name": "mlp", "condition": condition}), (8, 8, 1), 7)


def test_data_without_labels_have_no_condition():
    with pytest.raises(Refusal, match=r"networks\.critic\.condition='projection' needs data with labels"):
        build_network("critic", ConfigDict({"name": "mlp", "condition": "projection"}), (8, 8, 1), 0)


BOTH_TOLD = {"networks.generator.condition": "embedding", "networks.critic.condition": "projection"}


@pytest.mark.parametrize(
    ("experiment", "changes", "match"),
    [
        (gan, {"networks.critic.condition": "projection"}, "must both be 'none', or neither"),
        (gan, {"networks.generator.condition": "embedding"}, "must both be 'none', or neither"),
        (infogan, {"networks.generator.condition": "embedding"}, "must both be 'none', or neither"),
        (
            unrolled,
            {"networks.generator.condition": "embedding", "networks.critic.condition": "projection"},
            "no labels",
        ),
        (gan, {"model.terms.auxiliary_classifier.weight": 1.0}, "condition='auxiliary'"),
        (infogan, {"model.terms.dragan.weight": 1.0}, "judges every image alone"),
        (infogan, {"model.views.packing.size": 2}, "packing"),
        (gan, {"model.real_label": (0.9, 0.7)}, "real_label"),
        (gan, {"model.loss": "hinge", "model.real_label": (0.9, 0.9)}, "no labels to smooth"),
        (unrolled, {"model.unroll": -1}, "unroll"),
    ],
)
def test_parts_of_a_config_that_do_not_go_together_are_refused_before_anything_runs(experiment, changes, match):
    config = experiment.get_config("tiny")
    config.update_from_flattened_dict(changes)
    signature = Signature.of_pictures("digits", (8, 8, 1), tuple("0123456789"), {"train": 1000}, "")
    with pytest.raises(Refusal, match=match):
        build_model(config, signature)


# Two domains.


def two_domains(channels=1, second=3, paired=0):
    other = Signature.of_pictures("glyphs", (8, 8, second), (), {"train": 900}, "") if second else None
    digits = tuple("0123456789")
    return Signature.of_pictures("digits", (8, 8, channels), digits, {"train": 1000}, "", paired=paired, second=other)


def test_a_batch_to_trace_with_has_two_streams_of_which_the_second_has_neither_labels_nor_pairs():
    batch = example_batch(two_domains(paired=2), 5)
    assert batch.keys() == {"data", "label", "second"}
    assert batch["second"].keys() == {"data"}
    assert batch["second"]["data"].shape == (5, 8, 8, 3)
    assert example_batch(two_domains(second=0, paired=2), 5)["paired"].shape == (5, 8, 8, 2)


def test_a_translator_makes_images_of_its_own_domain():
    config = cyclegan.get_config("tiny")
    config.model.identity = 0.0
    signature = two_domains()
    model = build_model(config, signature)
    state = jax.eval_shape(model.init, jax.random.key(0), example_batch(signature))
    for direction, shown, made in (("ab", 1, 3), ("ba", 3, 1)):
        translate, image = model.translate[direction], jnp.zeros((2, 8, 8, shown))
        assert jax.eval_shape(translate, jax.random.key(0), state.variables, image).shape == (2, 8, 8, made)


@pytest.mark.parametrize(
    ("experiment", "changes", "signature", "match"),
    [
        (cyclegan, {}, two_domains(), r"identity=.* needs domains of as many channels"),
        (cyclegan, {}, two_domains(second=0), r"needs a second data set: data\.second\.name"),
        (pix2pix, {"model.pairing.name": "mirrored"}, two_domains(3), r"config\.model\.pairing\.name='mirrored'"),
        (pix2pix, {"model.pairing.name": "given"}, two_domains(3, 0), r"config\.model\.pairing: .*hold pairs"),
        (adapt, {"model.consistency.decay": 1.0}, two_domains(1, 1), r"config\.model\.consistency\.decay=1"),
        (
            adapt,
            {"model.feature": 1.0},
            two_domains(1, 1),
            r"config\.model: feature=1\.0 needs networks\.feature_critic",
        ),
        (adapt, {}, two_domains(1, 3), "images of one shape"),
    ],
)
def test_domains_and_parts_that_do_not_go_together_are_refused(experiment, changes, signature, match):
    config = experiment.get_config("tiny")
    config.update_from_flattened_dict(changes)
    with pytest.raises(Refusal, match=match):
        build_model(config, signature)
