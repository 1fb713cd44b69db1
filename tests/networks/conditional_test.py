"""Conditional networks: what labels do to images and judgements, closed forms, and shapes with every body."""

import functools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gengen.core.parallel import AXIS
from gengen.networks import dcgan, forward, mlp
from gengen.networks.conditional import CONDITIONS, ConditionalCritic, ConditionalGenerator, RecognisingCritic
from gengen.networks.critic import CriticNetwork, CriticOutput
from gengen.networks.forward import init_network, train_mode
from gengen.networks.layers.norm import NORMS
from gengen.networks.layers.spectral import COLLECTION

QUICK = functools.partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})
"""Compiles fast what runs once."""

SHAPE = (8, 8, 1)
CLASSES = 3
LABEL = np.array([0, 1, 2, 1], np.int32)
GENERATORS = {"mlp": mlp.Generator(SHAPE, widths=(8, 16)), "dcgan": dcgan.Generator(SHAPE, width=4)}
CRITICS = {
    "mlp": mlp.Critic(widths=(8,)),
    "mlp bfloat16": mlp.Critic(widths=(8,), dtype=jnp.bfloat16),
    "mlp deviation": mlp.Critic(widths=(8,), deviation=True),
    "dcgan": dcgan.Critic(width=4),
    "dcgan bfloat16": dcgan.Critic(width=4, norm="spectral", dtype=jnp.bfloat16),
    **{f"dcgan {norm}": dcgan.Critic(width=4, norm=norm) for norm in NORMS},
}


class Mean(CriticNetwork):
    """A body without parameters: features are the pixels, the logit is their sum."""

    @property
    def judges_alone(self):
        return True

    def __call__(self, image, train):
        features = image.reshape(image.shape[0], -1)
        return CriticOutput(features.sum(1), features)


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(1).uniform(-1, 1, (4, *SHAPE)).astype(np.float32)


def made(network, *inputs):
    return QUICK(lambda key: init_network(network, key, *inputs))(jax.random.key(0))


def eval_mode(network, variables, *inputs):
    return QUICK(functools.partial(forward.eval_mode, network))(variables, *inputs)


def shapes_of(network, *inputs):
    """Shapes of the variables and of the outputs in training mode."""

    def run(key):
        variables = init_network(network, key, *inputs)
        mapped = jax.vmap(lambda *inputs: train_mode(network, variables, *inputs), axis_name=AXIS)
        return variables, mapped(*(x[None] for x in inputs))

    variables, (output, carried) = jax.eval_shape(run, jax.random.key(0))
    strip = lambda tree: jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape[1:], leaf.dtype), tree)  # noqa: E731
    assert jax.tree.structure({**carried, "params": variables["params"]}) == jax.tree.structure(variables)
    return variables, strip(output)


@pytest.mark.parametrize("name", GENERATORS)
def test_generators_make_images_of_classes(name):
    network = ConditionalGenerator(GENERATORS[name], classes=CLASSES, features=5)
    variables, made = shapes_of(network, jnp.zeros((4, 6)), LABEL)
    assert (made.shape, made.dtype) == ((4, *SHAPE), jnp.float32)
    assert set(variables["params"]) == {"body", "Embed_0"}
    assert variables["params"]["Embed_0"]["embedding"].shape == (CLASSES, 5)
    assert variables["params"]["body"]["Dense_0"]["kernel"].shape[0] == 6 + 5


@pytest.mark.parametrize("condition", CONDITIONS)
@pytest.mark.parametrize("name", CRITICS)
def test_critics_judge_images_and_labels(name, condition):
    body = CRITICS[name]
    network = ConditionalCritic(body, classes=CLASSES, condition=condition)
    variables, judged = shapes_of(network, jnp.zeros((4, *SHAPE)), LABEL)
    alone = shapes_of(body, jnp.zeros((4, *SHAPE)))[0]["params"]
    assert judged.logit.shape == (4,)
    assert judged.features.shape[0] == 4
    assert judged.logit.dtype == judged.features.dtype == jnp.float32
    if condition == "auxiliary":
        assert (judged.code.shape, judged.code.dtype) == ((4, CLASSES), jnp.float32)
    else:
        assert judged.code is None
    if condition != "concatenated":
        chex.assert_trees_all_equal_shapes_and_dtypes(variables["params"]["body"], alone)
    assert network.judges_alone == body.judges_alone


@pytest.mark.parametrize("name", CRITICS)
def test_recognising_critics_tell_a_code(name):
    network = RecognisingCritic(CRITICS[name], outputs=6, width=10)
    variables, judged = shapes_of(network, jnp.zeros((4, *SHAPE)))
    assert (judged.logit.shape, judged.code.shape, judged.code.dtype) == ((4,), (4, 6), jnp.float32)
    assert set(variables["params"]) == {"body", "Dense_0", "Dense_1"}
    assert network.judges_alone == CRITICS[name].judges_alone


def test_the_generator_appends_the_embedding_to_the_latent():
    network = ConditionalGenerator(GENERATORS["mlp"], classes=CLASSES, features=5)
    latent = np.random.default_rng(2).normal(size=(4, 6)).astype(np.float32)
    variables = made(network, latent, LABEL)
    embedding = variables["params"]["Embed_0"]["embedding"]
    body = {name: collection["body"] for name, collection in variables.items()}
    expected = eval_mode(network.body, body, jnp.concatenate([latent, embedding[LABEL]], -1))
    ours = eval_mode(network, variables, latent, LABEL)
    chex.assert_trees_all_close(ours, expected, atol=1e-6)
    assert (
        float(jnp.abs(eval_mode(network, variables, latent, (LABEL + 1) % 3) - ours).max(axis=(1, 2, 3)).min()) > 0.01
    )


def test_the_first_embeddings_of_a_generator_are_of_the_size_of_latents():
    network = ConditionalGenerator(GENERATORS["mlp"], classes=100)
    embedding = made(network, jnp.zeros((4, 6)), LABEL)["params"]["Embed_0"]["embedding"]
    assert embedding.shape == (100, 32)
    assert float(embedding.std()) == pytest.approx(1, rel=0.1)


def test_the_concatenated_label_is_a_channel_of_its_own(images):
    network = ConditionalCritic(Mean(), classes=CLASSES, condition="concatenated")
    variables = made(network, images, LABEL)
    judged = eval_mode(network, variables, images, LABEL)
    embedding = np.asarray(variables["params"]["Embed_0"]["embedding"])
    pixels = np.asarray(judged.features).reshape(4, 8, 8, 2)
    np.testing.assert_array_equal(pixels[..., :1], images)
    np.testing.assert_array_equal(pixels[..., 1], embedding[LABEL].reshape(4, 8, 8))


def test_the_projection_is_an_inner_product_with_the_features(images):
    network = ConditionalCritic(Mean(), classes=CLASSES, condition="projection")
    variables = made(network, images, LABEL)
    embedding = np.asarray(variables["params"]["Embed_0"]["embedding"])
    features = np.asarray(images).reshape(4, -1)
    expected = features.sum(1) + [embedding[label] @ row for label, row in zip(LABEL, features, strict=True)]
    np.testing.assert_allclose(eval_mode(network, variables, images, LABEL).logit, expected, rtol=1e-4, atol=1e-5)


def test_the_projection_starts_of_the_size_of_one_feature_whatever_their_number():
    image = np.random.default_rng(3).normal(size=(200, 64, 64, 1)).astype(np.float32)
    label = np.arange(200, dtype=np.int32) % 100
    network = ConditionalCritic(Mean(), classes=100, condition="projection")
    judged = eval_mode(network, made(network, image, label), image, label)
    projections = np.asarray(judged.logit) - image.sum((1, 2, 3))
    assert projections.std() == pytest.approx(1, rel=0.2)


def test_a_spectral_body_normalises_the_embeddings_too(images):
    network = ConditionalCritic(CRITICS["dcgan spectral"], classes=CLASSES, condition="projection")
    variables = made(network, images, LABEL)
    embedding = np.asarray(variables["params"]["Embed_0"]["embedding"])
    body = {name: variables[name]["body"] for name in ("params", COLLECTION)}
    plain = eval_mode(network.body, body, images)
    sigma = np.linalg.svd(embedding, compute_uv=False)[0]
    products = (embedding[LABEL] * np.asarray(plain.features)).sum(1) / sigma
    ours = eval_mode(network, variables, images, LABEL)
    np.testing.assert_allclose(ours.logit, plain.logit + products, rtol=2e-3, atol=1e-5)
    normal = ConditionalCritic(CRITICS["dcgan layer"], classes=CLASSES, condition="projection")
    assert COLLECTION not in made(normal, images, LABEL)


@pytest.mark.parametrize("condition", CONDITIONS)
def test_only_a_critic_that_is_told_the_label_heeds_it(images, condition):
    network = ConditionalCritic(CRITICS["mlp"], classes=CLASSES, condition=condition)
    variables = made(network, images, LABEL)
    one, other = (eval_mode(network, variables, images, label).logit for label in (LABEL, (LABEL + 1) % CLASSES))
    change = np.abs(np.asarray(one) - np.asarray(other))
    assert not change.any() if condition == "auxiliary" else change.min() > 1e-4


def test_the_auxiliary_classifier_is_linear_in_the_features(images):
    network = ConditionalCritic(CRITICS["mlp"], classes=CLASSES, condition="auxiliary")
    variables = made(network, images, LABEL)
    judged, plain = with_and_without(network, variables, images, LABEL)
    np.testing.assert_allclose(judged.logit, plain.logit, atol=1e-6)
    last = jax.tree.map(np.asarray, variables["params"]["Dense_0"])
    np.testing.assert_allclose(judged.code, np.asarray(plain.features) @ last["kernel"] + last["bias"], atol=1e-5)


def test_the_code_shares_the_body_and_leaves_the_judgement_alone(images):
    network = RecognisingCritic(CRITICS["mlp"], outputs=2)
    variables = made(network, images)
    judged, plain = with_and_without(network, variables, images)
    np.testing.assert_allclose(judged.logit, plain.logit, atol=1e-6)
    params = jax.tree.map(np.asarray, variables["params"])
    hidden = np.asarray(plain.features) @ params["Dense_0"]["kernel"]
    expected = np.where(hidden > 0, hidden, 0.1 * hidden) @ params["Dense_1"]["kernel"]
    np.testing.assert_allclose(judged.code, expected, atol=1e-5)
    gradient = QUICK(jax.grad(lambda p: forward.eval_mode(network, {"params": p}, images).code.sum()))(params)
    body = jax.tree.map(np.asarray, gradient["body"])
    assert body["Dense_0"]["kernel"].any()
    assert not body["Dense_1"]["kernel"].any()  # weighs the features for the logit alone


def with_and_without(network, variables, *inputs):
    """The judgement of a wrapped body and that of the body."""
    body = {"params": variables["params"]["body"]}
    return eval_mode(network, variables, *inputs), eval_mode(network.body, body, inputs[0])


@pytest.mark.parametrize(
    ("network", "sentence"),
    [
        (ConditionalGenerator(GENERATORS["mlp"], classes=1), "classes=1"),
        (ConditionalGenerator(GENERATORS["mlp"], classes=2, features=0), "features=0"),
        (ConditionalCritic(CRITICS["mlp"], classes=0, condition="projection"), "classes=0"),
        (ConditionalCritic(CRITICS["mlp"], classes=2, condition="magic"), "concatenated, projection, auxiliary"),
    ],
)
def test_arguments_out_of_range_are_named(network, sentence):
    with pytest.raises(ValueError, match=sentence):
        jax.eval_shape(lambda: init_network(network, jax.random.key(0), jnp.zeros((4, *SHAPE)), LABEL))


@pytest.mark.parametrize("wrong", [{"outputs": 0}, {"outputs": 2, "width": 0}])
def test_a_code_of_nothing_is_refused(wrong):
    network = RecognisingCritic(CRITICS["mlp"], **wrong)
    with pytest.raises(ValueError, match=f"{list(wrong)[-1]}=0"):
        jax.eval_shape(lambda: init_network(network, jax.random.key(0), jnp.zeros((4, *SHAPE))))
