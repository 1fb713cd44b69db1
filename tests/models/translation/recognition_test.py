"""A classifier of two domains: what each of its losses is, and whom each pushes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from gengen.core.parallel import AXIS, example_keys
from gengen.losses.adversarial import ADVERSARIAL_LOSSES
from gengen.models.critic_game import CriticGame
from gengen.models.translation.affine import Affine
from gengen.models.translation.recognition import Consistency, Recognition
from gengen.networks.critic import CriticNetwork, CriticOutput

CLASSES, SHAPE, SIZE = 3, (2, 3, 1), 8


class Plain(nn.Module):
    """Features are the pixels through one tanh layer, logits weigh them."""

    @nn.compact
    def __call__(self, image, train):
        del train
        features = nn.tanh(nn.Dense(4)(image.reshape(image.shape[0], -1)))
        return features, nn.Dense(CLASSES)(features)


class Prior(nn.Module):
    """The same logits for all images, which are learnt."""

    @nn.compact
    def __call__(self, image, train):
        del train
        logits = self.param("logits", nn.initializers.zeros, (CLASSES,))
        return image.mean((1, 2)), jnp.tile(logits[None], (image.shape[0], 1))


class Weighing(CriticNetwork):
    @property
    def judges_alone(self):
        return True

    @nn.compact
    def __call__(self, features, train):
        del train
        return CriticOutput(nn.Dense(1)(features)[:, 0], features)


CRITIC = CriticGame(Weighing(), ADVERSARIAL_LOSSES["non_saturating"])


def recognition(network=None, *, translated=0.0, feature=0.0, affine=None, **consistency):
    settings = Consistency(**{"weight": 0.0, **consistency})
    return Recognition(
        network or Plain(), affine or Affine(), settings, translated, feature, CRITIC if feature else None
    )


RNG = np.random.default_rng(0)
IMAGES = {name: jnp.asarray(RNG.uniform(-1, 1, (SIZE, *SHAPE)), jnp.float32) for name in ("a", "b", "made")}
LABEL = jnp.asarray(RNG.integers(0, CLASSES, SIZE), jnp.int32)


def batch(**images):
    return {"a": IMAGES["a"], "b": IMAGES["b"], "label": LABEL, "view": example_keys(jax.random.key(2), SIZE)} | images


def begin(settings):
    return settings.init(jax.random.key(0), IMAGES["a"][:1])


def on_one_replica(function, *args):
    one = jax.vmap(lambda _, *args: function(*args), in_axes=(0, *[None] * len(args)), axis_name=AXIS)
    return jax.tree.map(lambda x: x[0], jax.jit(one)(jnp.zeros(1), *args))


def played(settings, variables, fed=None, made=None):
    """Loss, metrics, what is carried, and the gradient with respect to the classifier's parameters."""
    fed = batch() if fed is None else fed

    def loss(params):
        value, metrics, mutable = settings.loss({**variables, "classifier": {"params": params}}, fed, made)
        return value, ({name: mean.value for name, mean in metrics.items()}, mutable)

    def gradient(params):
        return jax.value_and_grad(loss, has_aux=True)(params)

    (value, (metrics, mutable)), slope = on_one_replica(gradient, variables["classifier"]["params"])
    return float(value), metrics, mutable, slope


def logits_of(variables, image, name="params", network="classifier"):
    params = variables[network][name]
    features = np.tanh(image.reshape(SIZE, -1) @ params["Dense_0"]["kernel"] + params["Dense_0"]["bias"][None])
    return features, features @ params["Dense_1"]["kernel"] + params["Dense_1"]["bias"][None]


def cross_entropy(logits):
    return -np.asarray(jax.nn.log_softmax(logits))[np.arange(SIZE), LABEL].mean()


def largest(tree):
    return max(float(jnp.abs(leaf).max()) for leaf in jax.tree.leaves(tree))


def assert_close(one, other, atol=1e-6):
    for left, right in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
        np.testing.assert_allclose(left, right, atol=atol)


# The source.


def test_without_weights_the_loss_is_the_cross_entropy_of_the_source_whatever_the_target():
    settings = recognition()
    variables = begin(settings)
    assert variables.keys() == {"classifier"}
    value, metrics, _, slope = played(settings, variables)
    _, logits = logits_of(variables, IMAGES["a"])
    np.testing.assert_allclose(value, cross_entropy(logits), rtol=1e-5)
    assert metrics["accuracy"] == np.mean(np.asarray(logits).argmax(1) == LABEL)
    for fed in (batch(b=5 * IMAGES["b"]), {name: leaf for name, leaf in batch().items() if name != "b"}):
        other, _, _, same = played(settings, variables, fed, IMAGES["made"])
        assert other == value
        assert_close(same, slope, atol=0)


def test_translated_images_add_their_cross_entropy_times_its_weight():
    settings = recognition(translated=0.3)
    variables = begin(settings)
    value, metrics, _, _ = played(settings, variables, made=IMAGES["made"])
    parts = [cross_entropy(logits_of(variables, IMAGES[name])[1]) for name in ("a", "made")]
    np.testing.assert_allclose(value, parts[0] + 0.3 * parts[1], rtol=1e-5)
    found = np.asarray(logits_of(variables, IMAGES["made"])[1]).argmax(1)
    assert metrics["accuracy_translated"] == np.mean(found == LABEL)


def test_translations_are_not_pushed_by_the_classifiers_loss():
    settings = recognition(translated=0.3)
    variables = begin(settings)

    def loss(made):
        return settings.loss(variables, batch(), made)[0]

    assert largest(on_one_replica(jax.grad(loss), IMAGES["made"])) == 0


# The teacher.


def test_the_teacher_begins_as_the_classifier_and_is_its_exponential_average():
    decay, settings = 0.8, recognition(weight=1.0, decay=0.8)
    variables = begin(settings)
    assert_close(variables["teacher"]["average"], variables["classifier"]["params"], atol=0)
    students = [
        jax.tree.map(lambda leaf, index=index: leaf + index, variables["classifier"]["params"]) for index in range(5)
    ]
    expected = decay**5 * np.asarray(variables["teacher"]["average"]["Dense_0"]["kernel"])
    for index, params in enumerate(students):
        expected = expected + (1 - decay) * decay ** (4 - index) * np.asarray(params["Dense_0"]["kernel"])
        _, _, mutable, _ = played(settings, {**variables, "classifier": {"params": params}})
        variables = {**variables, "teacher": mutable["teacher"]}
    np.testing.assert_allclose(variables["teacher"]["average"]["Dense_0"]["kernel"], expected, rtol=1e-5)


def test_the_teacher_is_what_recognises_where_there_is_one():
    variables = begin(recognition(weight=1.0))
    raised = jax.tree.map(lambda leaf: leaf + 1, variables["classifier"]["params"])
    moved = {**variables, "classifier": {"params": raised}}
    for weight, network, name in ((1.0, "teacher", "average"), (0.0, "classifier", "params")):
        _, logits = logits_of(moved, IMAGES["b"], name, network)
        found = recognition(weight=weight).log_probabilities(moved, IMAGES["b"])
        np.testing.assert_allclose(found, jax.nn.log_softmax(logits), atol=1e-5)


def apart(settings):
    """Variables whose teacher is not the classifier, and what both say of the target."""
    variables = begin(settings)
    variables["teacher"]["average"] = jax.tree.map(lambda leaf: 1.5 * leaf + 0.2, variables["teacher"]["average"])
    old, new = variables["teacher"]["average"], variables["classifier"]["params"]
    average = jax.tree.map(lambda old, new: 0.9 * old + 0.1 * new, old, new)
    teacher = {"teacher": {"average": average}}
    says = np.asarray(jax.nn.softmax(logits_of(teacher, IMAGES["b"], "average", "teacher")[1]))
    found = np.asarray(jax.nn.softmax(logits_of(variables, IMAGES["b"])[1]))
    return variables, says, found


def test_the_difference_from_the_teacher_counts_where_the_teacher_is_sure():
    threshold = float(np.median(apart(recognition(weight=1.0, decay=0.9))[1].max(1)))
    settings = recognition(weight=2.0, decay=0.9, threshold=threshold, balance=0.0)
    variables, says, found = apart(settings)
    sure = says.max(1) > threshold
    assert 0 < sure.sum() < SIZE
    value, metrics, _, _ = played(settings, variables)
    difference = (sure * ((found - says) ** 2).sum(1)).mean()
    np.testing.assert_allclose(metrics["sure"], sure.mean())
    np.testing.assert_allclose(metrics["consistency"], difference, rtol=1e-4)
    np.testing.assert_allclose(value, cross_entropy(logits_of(variables, IMAGES["a"])[1]) + 2 * difference, rtol=1e-5)


def test_a_teacher_that_is_sure_of_nothing_changes_nothing():
    settings = recognition(weight=100.0, threshold=1 - 1e-6, balance=1.0)
    variables = apart(settings)[0]
    value, metrics, _, slope = played(settings, variables)
    assert metrics["sure"] == metrics["consistency"] == 0
    alone, _, _, expected = played(recognition(), variables)
    assert value == alone
    assert_close(slope, expected)


def test_the_teacher_is_not_differentiated():
    settings = recognition(weight=1.0, threshold=0.0)
    variables = apart(settings)[0]

    def loss(average):
        changed = {**variables, "teacher": {"average": average}}
        return settings.loss(changed, batch(), None)[0]

    assert largest(on_one_replica(jax.grad(loss), variables["teacher"]["average"])) == 0


def balance(logits):
    """What is added to the source's cross-entropy for a classifier whose shares of classes are these logits'."""
    settings = recognition(Prior(), weight=1.0, threshold=0.0, balance=1.0, decay=0.0)
    variables = begin(settings)
    variables["classifier"] = {"params": {"logits": jnp.asarray(logits, jnp.float32)}}
    value, metrics, _, _ = played(settings, variables)
    assert metrics["consistency"] == pytest.approx(0, abs=1e-12)
    return value - cross_entropy(np.tile(np.asarray(logits, np.float32), (SIZE, 1)))


def test_the_balance_of_classes_is_smallest_where_all_are_as_frequent():
    share, even = np.full(CLASSES, 1 / CLASSES), 1 / CLASSES
    least = -(even * np.log(share) + (1 - even) * np.log(1 - share)).sum()
    np.testing.assert_allclose(balance([0.0, 0.0, 0.0]), least, rtol=1e-5)
    costs = [balance(logits) for logits in ([0.1, 0.0, 0.0], [1.0, 0.0, 0.0], [3.0, 0.0, -1.0], [30.0, 0.0, 0.0])]
    assert least < costs[0] < costs[1] < costs[2] < costs[3] < float("inf")


# Features.


def test_features_of_the_target_are_pushed_to_look_like_the_sources_in_proportion_to_the_weight():
    settings, twice = (recognition(feature=weight) for weight in (0.5, 1.0))
    variables = begin(settings)
    value, metrics, _, slope = played(settings, variables)
    features, _ = logits_of(variables, IMAGES["b"])
    critic = variables["feature_critic"]["params"]["Dense_0"]
    logits = features @ critic["kernel"] + critic["bias"][None]
    np.testing.assert_allclose(metrics["feature"], np.logaddexp(0, -logits).mean(), rtol=1e-5)
    plain, _, _, source = played(recognition(), variables)
    np.testing.assert_allclose(value, plain + 0.5 * metrics["feature"], rtol=1e-5)
    _, _, _, steep = played(twice, variables)
    pushes = [jax.tree.map(jnp.subtract, one, source) for one in (slope, steep)]
    assert_close(jax.tree.map(lambda leaf: 2 * leaf, pushes[0]), pushes[1])
    assert largest(pushes[0]["Dense_0"]) > 1e-3
    assert largest(pushes[0]["Dense_1"]) < 1e-7  # logits have no say in it


def test_the_critic_of_features_tells_the_source_from_the_target_and_pushes_no_classifier():
    settings = recognition(feature=1.0)
    variables = begin(settings)

    def loss(variables):
        losses, _ = settings.feature_losses(variables, batch())
        return losses.mean()

    value, gradient = on_one_replica(jax.value_and_grad(loss), variables)
    critic = variables["feature_critic"]["params"]["Dense_0"]
    real, fake = (logits_of(variables, IMAGES[name])[0] @ critic["kernel"] + critic["bias"][None] for name in "ab")
    np.testing.assert_allclose(value, (np.logaddexp(0, -real) + np.logaddexp(0, fake)).mean(), rtol=1e-5)
    assert largest(gradient["classifier"]) == 0
    assert largest(gradient["feature_critic"]) > 1e-3


# Views.


def test_views_of_an_image_are_drawn_from_its_own_keys():
    """Source, target and the teacher's target are different views: a teacher that is the classifier disagrees."""
    settings = recognition(weight=1.0, threshold=0.0, affine=Affine(noise=0.5))
    variables = begin(settings)
    one = played(settings, variables)
    again, other = (played(settings, variables, batch(view=example_keys(jax.random.key(key), SIZE))) for key in (2, 3))
    assert one[1]["consistency"] > 1e-4
    assert one[0] == again[0] != other[0]
    unchanged = played(recognition(weight=1.0, threshold=0.0), variables)
    assert unchanged[1]["consistency"] == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    "wrong", [{"weight": -1.0}, {"threshold": 1.0}, {"balance": float("inf")}, {"decay": 1.0}, {"decay": float("nan")}]
)
def test_what_is_out_of_range_is_named(wrong):
    (name,) = wrong
    with pytest.raises(ValueError, match=rf"{name}=.* must lie in \[0, "):
        Consistency(**wrong).check()
