"""The contract, for every model at toy size: a new model adds a row to `MODELS` and is held to all of it."""

import functools
from typing import NamedTuple

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import linen as nn

from gengen.core.average import averaged
from gengen.core.model import CAPABILITIES, require
from gengen.core.parallel import AXIS, parallel, replicate
from gengen.core.refusal import Refusal
from gengen.core.state import State, networks_of
from gengen.core.transforms import scale_by_rate
from gengen.losses.likelihood import squared_error
from gengen.models.autoencoders.adversarial_autoencoder import adversarial_autoencoder
from gengen.models.autoencoders.corruption import CORRUPTIONS
from gengen.models.autoencoders.priors import PRIORS
from gengen.models.autoencoders.vector_quantised import vector_quantised
from gengen.models.gans.adversarial import adversarial
from gengen.models.gans.infogan import infogan
from gengen.models.gans.terms import auxiliary_classifier, dragan, feature_matching, gradient_penalty, r1
from gengen.models.gans.unrolled import unrolled
from gengen.models.gans.views import augmentation, instance_noise, packing
from gengen.models.translation.adaptation import adaptation
from gengen.models.translation.affine import Affine
from gengen.models.translation.cogan import cogan
from gengen.models.translation.cyclegan import cyclegan
from gengen.models.translation.pairings import PAIRINGS
from gengen.models.translation.pix2pix import pix2pix
from gengen.models.translation.recognition import Consistency
from gengen.networks import classifier, coupled, dcgan, mlp, patchgan, residual, resnet, transformer, unet
from gengen.networks.conditional import ConditionalCritic, ConditionalGenerator
from gengen.networks.layers.norm import BatchNorm
from tests.units import scaled

SHAPE = (8, 8, 1)
BATCH = 8
CLASSES = 3


def sgd(rate=0.05):
    return optax.chain(optax.identity(), scale_by_rate(rate))


def gan(generator, critic, model=adversarial, **arguments):
    return model(
        networks={"generator": generator, "critic": critic},
        optimizers={"generator": sgd(), "critic": sgd()},
        latent=5,
        **arguments,
    )


def mlps(norm="none"):
    return mlp.Generator(SHAPE, widths=(16, 32)), mlp.Critic(widths=(16, 16), norm=norm)


def dcgans():
    return dcgan.Generator(SHAPE, width=4), dcgan.Critic(width=4)


def conditional(generator, critic, condition):
    return ConditionalGenerator(generator, CLASSES), ConditionalCritic(critic, CLASSES, condition)


def noisy_packs():
    """A view that carries something and one that does not."""
    return instance_noise(deviation=0.1, steps=10), packing(size=2)


def adaptive():
    return (augmentation(probability=0.5, target=0.6, pace=50),)


def penalties():
    """Light enough for gradient descent."""
    return *gradient_penalty(weight=0.1), *dragan(weight=0.1)


def adversarial_autoencoders(prior, **arguments):
    critics = ("critic", *(["category_critic"] if "categories" in arguments else []))
    players = ("autoencoder", "generator", "classifier", *critics)
    return adversarial_autoencoder(
        networks={
            "encoder": mlp.Encoder(widths=(16,), bounded=True),
            "decoder": mlp.Decoder(SHAPE, widths=(16,)),
            **{name: mlp.Critic(widths=(16, 16)) for name in critics},
        },
        optimizers=dict.fromkeys(players, sgd()),
        likelihood=squared_error(rank=3),
        prior=prior,
        corruption=CORRUPTIONS["gaussian"](amount=0.1),
        classes=CLASSES,
        latent=2,
        **arguments,
    )


def vqvae(stage):
    """The model, whose step is that of one of its two stages."""
    model = vector_quantised(
        networks={
            "encoder": residual.Encoder(8, hidden=4),
            "decoder": residual.Decoder(SHAPE, 8, hidden=4),
            "prior": transformer.Transformer(8, 2, 1),
        },
        optimizers={"autoencoder": sgd(), "prior": sgd()},
        likelihood=squared_error(rank=3),
        prior_start=STEPS,
        codes=6,
        dimension=3,
    )
    return model._replace(train_step=(model.train_step, *(later.train_step for later in model.stages))[stage])


PAIR = ("critic", "generator")


def regression():
    """A translation without a critic, of pairs that the data hold."""
    return pix2pix(
        networks={"to_b": unet.Translator(1, width=4, depth=1, norm="none", dropout=0.0)},
        optimizers={"generator": sgd()},
        pairing=PAIRINGS["given"](),
        weight=1.0,
        adversary=False,
        residual=True,
        jitter=0,
    )


def pix2pixs():
    return pix2pix(
        networks={"to_b": unet.Translator(1, width=4, depth=2), "critic_b": patchgan.Critic(4, layers=0)},
        optimizers=dict.fromkeys(PAIR, sgd()),
        pairing=PAIRINGS["masked"](),
        weight=1.0,
        jitter=2,
    )


def translators(norm):
    """Networks of a game of cycles."""
    translator = resnet.Translator(1, width=4, blocks=0, halvings=0, kernel=3, norm=norm)
    critic = patchgan.Critic(4, layers=0, norm=norm)
    return {"to_a": translator, "to_b": translator, "critic_a": critic, "critic_b": critic}


def cyclegans():
    """A pool that is full before the last step."""
    return cyclegan(
        networks=translators("batch"), optimizers=dict.fromkeys(PAIR, sgd(0.02)), cycle=1.0, pool=BATCH + 2, jitter=2
    )


def cogans():
    shape = (16, 16, 1)
    heads = {f"head_{name}": coupled.Head(shape) for name in "ab"}
    return cogan(
        networks={
            "trunk": coupled.Trunk(shape, width=4),
            **heads,
            **{f"stem_{name}": coupled.Stem(4) for name in "ab"},
            "critic": dcgan.Critic(width=4, dense=8),
            "classifier": classifier.Linear(CLASSES),
        },
        optimizers=dict.fromkeys(PAIR, sgd()),
        affine=Affine(0.1, 1.0, 0.1),
        latent=5,
    )


class Small(nn.Module):
    """A classifier that carries something and takes little time to compile."""

    @nn.compact
    def __call__(self, image, train):
        features = nn.tanh(BatchNorm()(nn.Dense(8)(image.reshape(image.shape[0], -1)), train))
        return features, nn.Dense(CLASSES)(features)


def adaptations():
    """All parts at once."""
    return adaptation(
        networks={
            **translators("instance"),
            "classifier": Small(),
            "feature_critic": mlp.Critic(widths=(8,)),
        },
        optimizers=dict.fromkeys((*PAIR, "feature_critic", "classifier"), sgd(0.02)),
        affine=Affine(0.1, 1.0, 0.1),
        consistency=Consistency(1.0, threshold=0.3),
        cycle=1.0,
        identity=0.0,
        pool=BATCH + 2,
        feature=0.5,
    )


MODELS = {
    "wgan": lambda: gan(*mlps(), loss="wasserstein", critic_steps=2, clip=0.05),
    "gan": lambda: gan(*mlps(), loss="non_saturating", critic_steps=1, clip=None),
    "dcgan": lambda: gan(*dcgans(), loss="non_saturating", critic_steps=1, clip=None),
    "averaged": lambda: averaged(gan(*dcgans(), critic_steps=2, clip=0.05), decay=0.9, networks=("generator",)),
    "penalised": lambda: gan(*mlps("layer"), critic_steps=2, clip=None, terms=penalties()),
    "relativistic": lambda: gan(
        *mlps(), loss="relativistic", critic_steps=1, clip=None, views=noisy_packs(), real_label=(0.7, 0.9)
    ),
    "matched": lambda: gan(
        *mlps("spectral"),
        loss="hinge",
        critic_steps=1,
        generator_steps=2,
        clip=None,
        views=adaptive(),
        terms=feature_matching(),
    ),
    "projection": lambda: gan(
        *conditional(*mlps("spectral"), "projection"), loss="hinge", critic_steps=1, clip=None, terms=r1()
    ),
    "auxiliary": lambda: gan(
        *conditional(*dcgans(), "auxiliary"), loss="minimax", critic_steps=1, clip=None, terms=auxiliary_classifier()
    ),
    "infogan": lambda: gan(*dcgans(), infogan, categories=3, continuous=2),
    "unrolled": lambda: gan(*mlps(), unrolled, unroll=2),
    "aae": lambda: adversarial_autoencoders(PRIORS["gaussian"]()),
    "aae_mixture": lambda: adversarial_autoencoders(PRIORS["mixture"](components=CLASSES), label_aware=True),
    "aae_cluster": lambda: adversarial_autoencoders(PRIORS["gaussian"](), categories=4),
    "aae_semi": lambda: adversarial_autoencoders(PRIORS["gaussian"](), categories=CLASSES, semi_supervised=True),
    "vqvae": lambda: vqvae(stage=0),
    "vqvae_prior": lambda: vqvae(stage=1),
    "pix2pix": pix2pixs,
    "regression": regression,
    "cyclegan": cyclegans,
    "cogan": cogans,
    "adaptation": adaptations,
}

SHAPES = {"cogan": (16, 16, 1)}
"""Of models whose networks make no images as small as `SHAPE`."""

TWO_DOMAINS = {"cyclegan", "cogan", "adaptation"}
"""Models that are fed a second stream, of images of another domain."""

PAIRED = {"regression"}
"""Models that are fed a second picture of each example."""

LABELLED = {"aae_semi"}
"""Models that are fed a second stream, of labelled images."""

AUTOENCODES = {"prior", "encode", "decode"}

CAN = {name: {"sample"} | (AUTOENCODES if name.startswith(("aae", "vqvae")) else set()) for name in MODELS}
CAN |= {name: {"translate"} for name in ("pix2pix", "regression", "cyclegan")} | {"adaptation": {"translate"}}
for known in ("infogan", "aae_cluster", "aae_semi", "cogan", "adaptation"):
    CAN[known] |= {"recognise"}
for known in ("wgan", "gan", "dcgan", "averaged", "penalised", "matched", "infogan", "unrolled"):
    CAN[known] |= {"features"}  # others are shown labels, packs of images, or no images at all

MOVES = dict.fromkeys(("wgan", "averaged", "penalised"), ("1111", "0101")) | {"matched": ("1010", "1111")}
"""At which steps critic and generator move; at all where it is not said."""

TURNS = {
    "vqvae": ("autoencoder",),
    "vqvae_prior": ("prior",),
    "regression": ("generator",),
    "adaptation": ("critic", "generator", "feature_critic", "classifier"),
}
"""Who moves instead of critic and generator."""

AT_REST = {"vqvae": {"prior"}, "vqvae_prior": {"encoder", "decoder"}}
"""Networks that a stage leaves alone."""


STEPS = 4


@pytest.fixture(params=MODELS)
def name(request):
    return request.param


@pytest.fixture
def model(name):
    return MODELS[name]()


def data(steps, seed=0, shape=SHAPE):
    """Batches [steps, batch, ...]."""
    rng = np.random.default_rng(seed)
    image = scaled(rng.integers(0, 256, (steps, BATCH, *shape), np.uint8))
    return {"data": image, "label": rng.integers(0, CLASSES, (steps, BATCH), np.int32)}


def fed(name, steps, seed=0):
    """Batches [steps, batch, ...] as a model sees them in a run."""
    shape = SHAPES.get(name, SHAPE)
    batches, others = data(steps, seed, shape), data(steps, seed + 100, shape)
    if name in LABELLED:
        return {"data": batches["data"], "labelled": others}
    if name in TWO_DOMAINS:
        return {**batches, "second": {"data": others["data"]}}
    return {**batches, "paired": others["data"]} if name in PAIRED else batches


def feed(batches, devices):
    """Lays [steps, batch, ...] out as [devices, steps, per device, ...]."""

    def split(leaf):
        return np.ascontiguousarray(leaf.reshape(len(leaf), devices, BATCH // devices, *leaf.shape[2:]).swapaxes(0, 1))

    return jax.tree.map(split, batches)


def part(batches, start, length):
    return jax.tree.map(lambda leaf: leaf[start : start + length], batches)


@functools.cache
def first(name):
    """The state of a new run, on the host."""
    return jax.device_get(
        jax.jit(MODELS[name]().init)(jax.random.key(0), jax.tree.map(lambda leaf: leaf[0], fed(name, 1)))
    )


@functools.cache
def dispatch(name, devices):
    """Training steps on so many devices; compiled once for each number of steps at a time, which takes long."""
    model = MODELS[name]()
    return parallel(model.train_step, jax.devices()[:devices], period=model.period)


class Run(NamedTuple):
    """The state on its devices, all metrics, and how many programs the dispatches took."""

    state: State
    metrics: dict
    compiled: int


@functools.cache
def run(name, devices=1, fused=STEPS):
    """Trains for `STEPS`, `fused` at a time."""
    key, state, seen = jax.random.key(1), replicate(first(name), jax.devices()[:devices]), []
    with CountedCompilations() as compiled:
        for start in range(0, STEPS, fused):
            batches = feed(part(fed(name, STEPS), start, fused), devices)
            state, metrics = dispatch(name, devices)(key, state, batches, start)
            seen.append(jax.device_get(metrics))
    return Run(state, jax.tree.map(lambda *parts: np.concatenate(parts), *seen), compiled())


def parted(name):
    """A run on all devices, in two parts."""
    return run(name, devices=4, fused=2)


def test_four_steps_are_finite_and_move_everything_that_is_trained(name):
    before, (after, metrics, _) = first(name), run(name)
    chex.assert_tree_all_finite(after.variables)
    chex.assert_tree_all_finite({name: mean.total for name, mean in metrics.items()})
    for network in networks_of(before.variables):
        old, new = (run.variables[network]["params"] for run in (before, after))
        if network in AT_REST.get(name, ()):
            chex.assert_trees_all_equal(old, jax.device_get(new))
            continue
        for was, now in zip(jax.tree.leaves(old), jax.tree.leaves(new), strict=True):
            assert was.size == 1 or np.any(was != np.asarray(now)), network
    assert after.step == STEPS


def test_structure_shapes_and_dtypes_are_kept(name):
    chex.assert_trees_all_equal_shapes_and_dtypes(first(name), run(name).state)


def test_metrics_count_each_turn_when_it_is_played(name):
    metrics = run(name).metrics
    turns = TURNS.get(name, ("critic", "generator"))
    for player, moves in zip(turns, MOVES.get(name, ("1111",) * len(turns)), strict=True):
        assert "".join(str(int(count)) for count in metrics[f"{player}/loss"].count) == moves


def test_it_compiles_once(name):
    assert parted(name).compiled == 1


def test_replicas_stay_identical(name):
    for leaf in jax.tree.leaves(parted(name).state):
        copies = [np.asarray(shard.data) for shard in leaf.addressable_shards]
        assert len(copies) == 4
        for copy in copies[1:]:
            np.testing.assert_array_equal(copy, copies[0])


def test_the_number_of_devices_does_not_matter(name):
    (one, measured, _), (several, also, _) = run(name), parted(name)
    chex.assert_trees_all_close(jax.device_get(several), jax.device_get(one), atol=1e-5, rtol=1e-5)
    # A mean of losses counts once on each replica, a mean over examples the same on any number of them.
    chex.assert_trees_all_close(
        {name: mean.total * np.sign(mean.count) / np.maximum(mean.count, 1) for name, mean in also.items()},
        {name: mean.total * np.sign(mean.count) / np.maximum(mean.count, 1) for name, mean in measured.items()},
        atol=1e-4,
        rtol=1e-4,
    )


def test_a_step_that_forgot_to_average_would_not_trace(name, model):
    def over_replicas(step):
        return jax.vmap(step, in_axes=(None, None, 0), out_axes=None, axis_name=AXIS)

    args = jax.random.key(1), first(name), jax.tree.map(lambda leaf: leaf[:, 0], feed(fed(name, 1), 2))
    state, _ = jax.eval_shape(over_replicas(model.train_step), *args)
    chex.assert_trees_all_equal_shapes(state, first(name))

    def forgetful(key, state, batch):
        after, metrics = model.train_step(key, state, batch)
        return after.replace(step=after.step + batch["data"].sum(dtype=jnp.int32)), metrics

    with pytest.raises(ValueError, match="out_axes"):
        jax.eval_shape(over_replicas(forgetful), *args)


def test_fused_steps_equal_single_ones(name):
    (several, measured, _), (single, also, _) = run(name), run(name, fused=1)
    chex.assert_trees_all_close(jax.device_get(several), jax.device_get(single), atol=1e-6, rtol=1e-5)
    chex.assert_trees_all_close(measured, also, atol=1e-5, rtol=1e-4)


def test_going_on_from_a_copy_is_exact(name):
    straight, state = run(name, fused=1).state, first(name)
    for start in range(STEPS):
        copy = jax.tree.map(lambda leaf: np.array(leaf), state)  # to the host and back, as a checkpoint does
        batches = feed(part(fed(name, STEPS), start, 1), 1)
        state, _ = dispatch(name, 1)(jax.random.key(1), replicate(copy, jax.devices()[:1]), batches, start)
    chex.assert_trees_all_equal(jax.device_get(state), jax.device_get(straight))


def test_capabilities_have_the_shapes_they_promise(name, model):
    offered = {capability for capability in CAPABILITIES if getattr(model, capability) is not None}
    assert offered == CAN[name]
    assert (model.pair is not None) == (name in {"pix2pix", "regression"})
    if "sample" not in offered:
        return
    sample = jax.jit(model.sample, static_argnums=2)
    drawn = sample(jax.random.key(3), first(name).variables, 7)
    chex.assert_shape(drawn, (7, *SHAPES.get(name, SHAPE)))
    assert drawn.dtype == jnp.float32
    assert float(jnp.abs(drawn).max()) <= 1
    chex.assert_trees_all_close(sample(jax.random.key(3), first(name).variables, 2), drawn[:2], atol=1e-5)
    assert not np.allclose(drawn[0], drawn[2])  # the first two of a CoGAN are a pair, and its domains begin alike


@pytest.mark.parametrize("name", [name for name in MODELS if "translate" in CAN[name]])
def test_a_translation_is_an_image_of_the_same_size_and_depends_on_no_other(name, model):
    images, variables = data(1)["data"][0].astype(np.float32) / 127.5 - 1, first(name).variables
    if model.pair:
        images, _ = jax.jit(model.pair)(jax.random.key(2), jax.tree.map(lambda leaf: leaf[0], fed(name, 1)))
    assert {"ab"} <= model.translate.keys() <= {"ab", "ba"}
    for function in model.translate.values():
        translate = jax.jit(function)
        made = translate(jax.random.key(3), variables, images)
        chex.assert_shape(made, (BATCH, *SHAPE))
        assert made.dtype == jnp.float32
        assert float(jnp.abs(made).max()) <= 1
        chex.assert_trees_all_close(translate(jax.random.key(3), variables, images[:3]), made[:3], atol=1e-5)


@pytest.mark.parametrize("name", [name for name in MODELS if MODELS[name]().pair])
def test_a_pair_is_an_image_of_each_domain_of_the_same_example(name, model):
    batch = jax.tree.map(lambda leaf: leaf[0], fed(name, 1))
    a, b = jax.jit(model.pair)(jax.random.key(3), batch)
    np.testing.assert_allclose(b, batch["data"].astype(np.float32) / 127.5 - 1, atol=1e-6)
    chex.assert_equal_shape_prefix([a, b], 3)
    some, _ = jax.jit(model.pair)(jax.random.key(3), jax.tree.map(lambda leaf: leaf[:3], batch))
    chex.assert_trees_all_close(some, a[:3], atol=1e-6)


@pytest.mark.parametrize("name", ["cyclegan", "adaptation"])
def test_pools_hold_the_same_translations_on_every_replica_of_any_number(name):
    for domain in "ab":
        pool, expected = (made.state.variables[f"pool_{domain}"]["pool"] for made in (parted(name), run(name)))
        assert pool["count"] == BATCH + 2 < STEPS * BATCH
        for shard in pool["images"].addressable_shards:
            np.testing.assert_array_equal(shard.data, np.asarray(pool["images"]))
        np.testing.assert_allclose(pool["images"], expected["images"], atol=1e-4)
        assert len(np.unique(np.asarray(pool["images"]).reshape(BATCH + 2, -1), axis=0)) == BATCH + 2


def test_a_capability_that_is_missing_is_refused_with_what_there_is(name, model):
    missing = "sample" if "translate" in CAN[name] else "translate"
    known = "recognise" if name == "adaptation" else "translate" if missing == "sample" else "sample"
    with pytest.raises(Refusal, match=f"cannot {missing}; what it can do: {known}"):
        require(model, missing)


@pytest.mark.parametrize("name", ["cogan", "adaptation"])
def test_labels_that_one_domain_has_taught_are_recognised_in_the_other(name, model):
    images = fed(name, 1)["second"]["data"][0].astype(np.float32) / 127.5 - 1
    read = jax.jit(model.recognise)(jax.random.key(3), first(name).variables, images)
    assert read.keys() == {"label"}
    np.testing.assert_allclose(np.exp(read["label"]).sum(1), np.ones(BATCH), rtol=1e-5)


@pytest.mark.parametrize("name", [name for name in MODELS if "recognise" in CAN[name] and name not in TWO_DOMAINS])
def test_every_code_that_samples_can_be_told_is_recognised(name, model):
    read = jax.jit(model.recognise)(jax.random.key(3), first(name).variables, jnp.zeros((7, *SHAPE)))
    assert read.keys() == model.conditions.keys()
    for code, condition in model.conditions.items():
        chex.assert_shape(read[code], (7, condition.classes or condition.size))


@pytest.mark.parametrize("name", [name for name in MODELS if "features" in CAN[name]])
def test_features_of_an_image_depend_on_no_other_image(name, model):
    images, variables = data(1)["data"][0].astype(np.float32) / 127.5 - 1, first(name).variables
    look = jax.jit(model.features)
    seen = look(jax.random.key(3), variables, images)
    assert seen.shape == (BATCH, seen.size // BATCH)
    assert seen.dtype == jnp.float32
    chex.assert_trees_all_close(look(jax.random.key(4), variables, images[:3]), seen[:3], atol=1e-5)
    assert not np.allclose(seen[0], seen[1])


@pytest.mark.parametrize("name", [name for name in MODELS if CAN[name] >= AUTOENCODES])
def test_codes_of_data_and_of_the_prior_are_what_is_decoded(name, model):
    variables = first(name).variables
    drawn = jax.jit(model.prior, static_argnums=2)(jax.random.key(3), variables, 7)
    found = jax.jit(model.encode)(jax.random.key(3), variables, jnp.zeros((7, *SHAPE)))
    chex.assert_equal_shape([drawn, found])
    for codes in (drawn, found):
        images = jax.jit(model.decode)(jax.random.key(3), variables, codes)
        chex.assert_shape(images, (7, *SHAPE))
        assert float(jnp.abs(images).max()) <= 1


@pytest.mark.parametrize("name", [name for name in MODELS if MODELS[name]().conditions])
def test_samples_are_what_they_are_told(name, model):
    sample, variables = jax.jit(model.sample, static_argnums=2), first(name).variables
    if name == "cogan":  # its domains begin alike
        variables = {**variables, "head_b": jax.tree.map(lambda leaf: -leaf, variables["head_b"])}
    for asked, condition in model.conditions.items():
        shape = (4, condition.size) if condition.size else (4,)
        low = jnp.zeros(shape, jnp.float32 if condition.size else jnp.int32)
        drawn = [sample(jax.random.key(3), variables, 4, {asked: low + step}) for step in (0, 1)]
        assert np.abs(np.asarray(drawn[0] - drawn[1])).max((1, 2, 3)).min() > 1e-4, asked


def test_views_carry_on_from_step_to_step():
    state = run("relativistic").state
    deviation = state.variables["views"]["instance_noise"]["deviation"]
    np.testing.assert_allclose(deviation, 0.1 * (1 - STEPS / 10), rtol=1e-5)


def test_only_clipped_critics_stay_in_their_box():
    state = run("wgan").state
    assert max(float(jnp.abs(leaf).max()) for leaf in jax.tree.leaves(state.variables["critic"]["params"])) <= 0.0500001
    assert max(float(jnp.abs(leaf).max()) for leaf in jax.tree.leaves(state.variables["generator"]["params"])) > 0.05


class CountedCompilations:
    """Counts what the backend compiles inside of a `with`."""

    def __enter__(self):
        self.number = 0
        jax.monitoring.register_event_duration_secs_listener(self._listen)
        return lambda: self.number

    def _listen(self, event, duration, **rest):
        del duration, rest
        self.number += event == "/jax/core/compile/backend_compile_duration"

    def __exit__(self, *error):
        jax.monitoring.unregister_event_duration_listener(self._listen)
