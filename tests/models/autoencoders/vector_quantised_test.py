"""The VQ-VAE: both losses written out, who moves when, what is quantised, and a bound against the whole sum."""

import functools
import itertools
import math

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gengen.core.model import Condition
from gengen.core.parallel import AXIS
from gengen.core.state import networks_of
from gengen.core.transforms import scale_by_rate
from gengen.losses.likelihood import gaussian, squared_error
from gengen.models.autoencoders.vector_quantised import vector_quantised
from gengen.networks.coders import ConditionalEncoder
from gengen.networks.forward import eval_mode
from gengen.networks.residual import Decoder, Encoder, MapCoder
from gengen.networks.transformer import CodePrior, Transformer
from tests.units import scaled

SHAPE, SIZE, K, D, CLASSES, START = (4, 4, 1), 8, 2, 3, 3, 5
ENCODER = Encoder(6, halvings=1, blocks=1, hidden=4)
DECODER = Decoder(SHAPE, 6, halvings=1, blocks=1, hidden=4)
BODY = Transformer(8, 2, 1)


def build(networks=None, **arguments):
    rate = optax.chain(optax.identity(), scale_by_rate(1.0))
    return vector_quantised(
        networks={"encoder": ENCODER, "decoder": DECODER, "prior": BODY, **(networks or {})},
        optimizers={"autoencoder": rate, "prior": rate},
        **{"likelihood": gaussian(rank=3), "prior_start": START, "codes": K, "dimension": D, **arguments},
    )


TOLD = functools.partial(build, {"prior": BODY.clone(classes=CLASSES)})


def batch(seed=0):
    rng = np.random.default_rng(seed)
    image = scaled(rng.integers(0, 256, (SIZE, *SHAPE), np.uint8))
    return {"data": image, "label": rng.integers(0, CLASSES, SIZE, np.int32)}


def images(seed=0):
    return jnp.asarray(batch(seed)["data"])


@functools.cache
def fresh(make=build):
    return jax.jit(make().init)(jax.random.key(0), batch())


@functools.cache
def state_of(make=build):
    """A first state, but of a codebook in use."""
    state = fresh(make)
    codebook = state.variables["codebook"]["codebook"]
    used = {**codebook, "counts": jnp.ones(K), "sums": codebook["vectors"]}
    return state.replace(variables={**state.variables, "codebook": {"codebook": used}})


def stepped(step, state, replicas=1, seed=0):
    """The state after a step on so many replicas, and its metrics, as each replica has them."""
    parts = jax.tree.map(lambda leaf: leaf.reshape(replicas, -1, *leaf.shape[1:]), batch(seed))
    return jax.jit(jax.vmap(step, in_axes=(None, None, 0), axis_name=AXIS))(jax.random.key(1), state, parts)


@functools.cache
def trained(stage, replicas=1, make=build, **arguments):
    """The state after one step of a stage, from the first state, and its metrics."""
    model = make(**arguments)
    return stepped((model.train_step, model.stages[0].train_step)[stage], state_of(make), replicas)


def of_first(tree):
    return jax.tree.map(lambda leaf: leaf[0], tree)


def changed(before, after):
    different = {name: chex_differs(before[name], after[name]) for name in before}
    return {name for name, differs in different.items() if differs}


def chex_differs(one, other):
    return any(not np.array_equal(a, b) for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True))


# Stage one.


@pytest.mark.parametrize(("reduction", "pixels", "numbers"), [("mean", 1 / 16, 1 / 12), ("sum", 1, 1)])
def test_stage_one_descends_the_error_through_the_quantisation_and_the_commitment(reduction, pixels, numbers):
    before = state_of().variables
    after, metrics = trained(0, reduction=reduction, commitment=0.5, likelihood=squared_error(rank=3))
    vectors = before["codebook"]["codebook"]["vectors"]

    def loss(params):
        point = eval_mode(MapCoder(ENCODER, D), {"params": params["encoder"]}, images())
        fixed = jax.lax.stop_gradient(point)
        distances = jnp.square(fixed[..., None, :] - vectors[None, None, None]).sum(-1)
        chosen = vectors[distances.argmin(-1)]
        # The decoder's gradient reaches the encoder as if the quantisation had added a constant.
        output = eval_mode(DECODER, {"params": params["decoder"]}, point + (chosen - fixed))
        error = jnp.square(jnp.tanh(output) - images()).sum((1, 2, 3)) * pixels
        distance = jnp.square(point - chosen).sum((1, 2, 3)) * numbers
        return (error + 0.5 * distance).mean()

    params = {name: before[name]["params"] for name in ("encoder", "decoder")}
    value, slopes = jax.jit(jax.value_and_grad(loss))(params)
    assert not float(of_first(metrics["autoencoder/restarted"]).value)
    assert float(of_first(metrics["autoencoder/loss"]).value) == pytest.approx(float(value), rel=1e-5)
    moved = {name: of_first(after.variables[name]["params"]) for name in params}
    chex.assert_trees_all_close(moved, jax.tree.map(jnp.subtract, params, slopes), rtol=1e-4, atol=1e-5)


def test_the_first_step_takes_the_codes_from_the_data_and_counts_them():
    after, metrics = stepped(build().train_step, fresh())
    assert float(of_first(metrics["autoencoder/restarted"]).value) == K
    assert 1 < float(of_first(metrics["autoencoder/perplexity"]).value) <= K
    counts = of_first(after.variables["codebook"]["codebook"]["counts"])
    assert float(counts.sum()) == pytest.approx(0.99 * K + 0.01 * SIZE * 4, rel=1e-5)


def test_dead_codes_come_to_life_and_live_ones_stay():
    state = state_of()
    codebook = state.variables["codebook"]["codebook"]
    far = {**codebook, "vectors": codebook["vectors"].at[1].set(1e3), "counts": jnp.asarray([20.0, 0.6])}
    far["sums"] = far["vectors"] * far["counts"][:, None]
    variables = {**state.variables, "codebook": {"codebook": far}}
    for restart, alive in ((0.5, False), (0.7, True)):
        after, metrics = stepped(build(restart=restart).train_step, state.replace(variables=variables))
        assert float(of_first(metrics["autoencoder/restarted"]).value) == alive
        vectors = of_first(after.variables["codebook"]["codebook"]["vectors"])
        assert (float(jnp.abs(vectors[1]).max()) < 100) == alive


# Stage two.


def test_each_stage_moves_its_own():
    before = state_of()
    assert set(networks_of(before.variables)) == set(before.variables) - {"codebook"} == {"encoder", "decoder", "prior"}
    (one, _), (two, _) = trained(0), trained(1)
    assert changed(before.variables, of_first(one.variables)) == {"encoder", "decoder", "codebook"}
    assert changed(before.variables, of_first(two.variables)) == {"prior"}
    (stage,) = build().stages
    assert stage.start == START
    for after in (one, two):
        chex.assert_trees_all_equal_shapes_and_dtypes(of_first(after), before)


@pytest.mark.parametrize("make", [build, TOLD])
def test_stage_two_learns_the_codes_by_their_log_probability(make):
    variables, (after, metrics) = state_of(make).variables, trained(1, make=make)
    vectors = variables["codebook"]["codebook"]["vectors"]
    point = np.asarray(jax.jit(make().encode)(jax.random.key(0), variables, images()))
    code = np.square(point[..., None, :] - np.asarray(vectors)).sum(-1).argmin(-1).astype(np.int32)
    told = (jnp.asarray(batch()["label"]),) if make is TOLD else ()
    prior = CodePrior(BODY.clone(classes=CLASSES if told else 0), K)

    def loss(params):
        logits = eval_mode(prior, {"params": params}, jnp.asarray(code), *told)
        return optax.softmax_cross_entropy_with_integer_labels(logits, code).mean()

    value, slopes = jax.jit(jax.value_and_grad(loss))(variables["prior"]["params"])
    assert float(of_first(metrics["prior/loss"]).value) == pytest.approx(float(value), rel=1e-5)
    expected = jax.tree.map(jnp.subtract, variables["prior"]["params"], slopes)
    chex.assert_trees_all_close(of_first(after.variables["prior"]["params"]), expected, rtol=1e-4, atol=1e-5)


# What the model can do.


def test_maps_are_quantised_before_they_are_decoded():
    model, variables = build(), state_of().variables
    vectors = variables["codebook"]["codebook"]["vectors"]
    point = jax.jit(model.encode)(jax.random.key(0), variables, images())
    chex.assert_shape(point, (SIZE, 2, 2, D))
    decode = jax.jit(model.decode)
    quantised = vectors[jnp.square(point[..., None, :] - vectors[None, None, None]).sum(-1).argmin(-1)]
    expected = jnp.tanh(jax.jit(lambda quantised: eval_mode(DECODER, variables["decoder"], quantised))(quantised))
    for latents in (point, quantised):
        np.testing.assert_allclose(decode(jax.random.key(0), variables, latents), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("make", [build, TOLD])
def test_samples_are_decoded_draws_of_the_prior_and_depend_on_their_place_alone(make):
    model, variables, key = make(), state_of(make).variables, jax.random.key(7)
    asked = {"label": jnp.arange(9, dtype=jnp.int32) % CLASSES} if make is TOLD else {}
    drawn = jax.jit(model.prior, static_argnums=2)(key, variables, 9, asked)
    distances = jnp.abs(drawn[..., None, :] - variables["codebook"]["codebook"]["vectors"][None, None, None]).sum(-1)
    assert not distances.min(-1).any()
    assert len(np.unique(np.asarray(distances.argmin(-1)).reshape(9, -1), axis=0)) > 3
    sample = jax.jit(model.sample, static_argnums=2)
    whole = sample(key, variables, 9, asked)
    np.testing.assert_allclose(whole, jax.jit(model.decode)(key, variables, drawn), rtol=1e-4, atol=1e-5)
    some = sample(key, variables, 4, {name: told[:4] for name, told in asked.items()})
    np.testing.assert_allclose(some, whole[:4], rtol=1e-4, atol=1e-5)


def test_a_prior_with_classes_draws_what_it_is_told():
    model, state = TOLD(), state_of(TOLD)
    assert model.conditions == {"label": Condition(classes=CLASSES)}
    assert not build().conditions
    # A start that shouts which code is to follow: class 0 is made of code 0, class 1 of code 1.
    params = jax.tree.map(jnp.zeros_like, state.variables["prior"]["params"])
    shout = jnp.asarray([[1.0, -1.0], [-1.0, 1.0], [0.0, 0.0]])
    params["start"]["embedding"] = jnp.pad(shout, [(0, 0), (0, 6)])
    params["embedding"]["embedding"] = params["start"]["embedding"][:K]
    params["body"]["LayerNorm_0"]["scale"] = jnp.ones(8)
    params["head"]["kernel"] = 50 * jnp.eye(8, K)
    variables = {**state.variables, "prior": {"params": params}}
    label = jnp.asarray([0, 1, 0, 1], jnp.int32)
    drawn = jax.jit(model.prior, static_argnums=2)(jax.random.key(0), variables, 4, {"label": label})
    expected = variables["codebook"]["codebook"]["vectors"][label]
    np.testing.assert_allclose(drawn, jnp.broadcast_to(expected[:, None, None], drawn.shape), atol=1e-6)


@pytest.mark.parametrize("make", [build, TOLD])
def test_the_bound_is_the_largest_part_that_one_map_of_codes_can_give_or_less(make):
    model, variables = make(), state_of(make).variables
    told = {"label": jnp.asarray(batch()["label"])} if make is TOLD else {}
    prior = CodePrior(BODY.clone(classes=CLASSES if told else 0), K)
    maps = jnp.asarray(list(itertools.product(range(K), repeat=4)), jnp.int32).reshape(-1, 1, 2, 2)

    def joint(code):
        """log p(x | z) + log p(z) of every image with one map, [SIZE]."""
        code = jnp.broadcast_to(code, (SIZE, 2, 2))
        logits = eval_mode(prior, variables["prior"], code, *told.values())
        output = eval_mode(DECODER, variables["decoder"], variables["codebook"]["codebook"]["vectors"][code])
        errors = jnp.square(images() - jnp.tanh(output)).sum((1, 2, 3)) / 2
        of_prior = optax.softmax_cross_entropy_with_integer_labels(logits, code).sum((1, 2))
        return -errors - 8 * math.log(2 * math.pi) - of_prior

    parts = np.asarray(jax.jit(lambda: jax.lax.map(joint, maps))())
    bound = jax.jit(model.log_likelihood)(jax.random.key(0), variables, images(), told)
    exact = np.log(np.exp(parts).sum(0))
    assert (np.abs(parts - np.asarray(bound)) < 1e-3).any(0).all()
    assert (np.asarray(bound) < exact).all()
    assert build(likelihood=squared_error(rank=3)).log_likelihood is None


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"codes": 0}, "codes=0"),
        ({"dimension": 0}, "dimension=0"),
        ({"prior_start": 0}, "prior_start=0"),
        ({"commitment": -1.0}, "commitment=-1.0"),
        ({"decay": 1.0}, "decay=1.0"),
        ({"restart": 1.0}, "restart=1.0"),
        ({"reduction": "max"}, "reduction='max'"),
        ({"networks": {"encoder": ConditionalEncoder(ENCODER, CLASSES)}}, "must be 'none': tell the prior"),
    ],
)
def test_what_makes_no_sense_is_refused(wrong, says):
    with pytest.raises(ValueError, match=says):
        build(**wrong)
