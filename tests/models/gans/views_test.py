"""Views: what a critic is shown, what is carried from step to step, and what is refused."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from gengen.build.calls import call
from gengen.core.parallel import AXIS, example_keys, local_keys
from gengen.core.refusal import Refusal
from gengen.models.gans.augmentation import augmented
from gengen.models.gans.views import VIEWS, View, augmentation, instance_noise, packing, unchanged

IMAGES = np.random.default_rng(0).uniform(-1, 1, (8, 16, 16, 2)).astype(np.float32)
BUILT = {
    "augmentation": lambda: augmentation(probability=0.5),
    "adaptive": lambda: augmentation(probability=0.5, target=0.6),
    "instance_noise": lambda: instance_noise(deviation=0.1),
    "annealed": lambda: instance_noise(deviation=0.1, steps=10),
    "packing": lambda: packing(size=2),
}


@pytest.fixture(params=BUILT, scope="module")
def view(request):
    return BUILT[request.param]()


@pytest.fixture(scope="module")
def shown(view):
    """Returns `(keys, images) -> (view of the images, gradient of the sum of its squares)`."""

    def energy(images, keys):
        seen = view.apply(keys, images, view.mutable)
        return jnp.square(seen).sum(), seen

    both = jax.jit(jax.value_and_grad(energy, has_aux=True))

    def run(keys, images):
        (_, seen), gradient = both(images, keys)
        return seen, gradient

    return run


apply_kinds = jax.jit(augmented, static_argnames="kinds")


def keys(number=8, seed=0):
    return example_keys(jax.random.key(seed), number)


def moved(view, logits, mutable=None, step=0):
    """What is carried after a step, on every replica; `logits` are [replicas, B']."""
    mutable = view.mutable if mutable is None else mutable
    after = jax.vmap(view.after, in_axes=(None, None, 0), axis_name=AXIS, axis_size=len(logits))
    return after(mutable, jnp.asarray(step, jnp.int32), jnp.asarray(logits, jnp.float32))


def test_views_are_off_by_default_and_have_an_order():
    assert list(VIEWS) == ["augmentation", "instance_noise", "packing"]
    assert [build() for build in VIEWS.values()] == [None, None, None]


def test_views_are_called_as_their_builders_are():
    for name, build in BUILT.items():
        expected = {"adaptive": "augmentation", "annealed": "instance_noise"}.get(name, name)
        assert build().name == expected


def test_a_view_carries_nothing_and_judges_images_alone_unless_it_says_so():
    view = View("identity", lambda keys, images, mutable: images)
    assert jax.tree.leaves(view.mutable) == []
    assert view.group == 1
    assert unchanged({"a": 1}, None, None) == {"a": 1}


def test_the_same_keys_give_the_same_view_and_gradients_pass(view, shown):
    (once, gradient), (again, _) = shown(keys(), IMAGES), shown(keys(), IMAGES)
    chex.assert_trees_all_equal(again, once)
    assert once.dtype == jnp.float32
    assert once.shape[0] * view.group == 8
    assert float(jnp.abs(gradient).sum(axis=(1, 2, 3)).min()) > 0


def test_other_keys_give_another_view_of_all_that_is_random(view, shown):
    same = np.array_equal(shown(keys(), IMAGES)[0], shown(keys(seed=1), IMAGES)[0])
    assert same == (view.name == "packing")


def test_what_is_carried_keeps_its_structure_shape_and_dtype(view):
    after = jax.eval_shape(
        lambda: jax.vmap(
            lambda logits: view.after(view.mutable, jnp.zeros((), jnp.int32), logits), axis_name=AXIS, out_axes=None
        )(jnp.ones((2, 4)))
    )  # out_axes=None refuses what is not the same on every replica
    chex.assert_trees_all_equal_shapes_and_dtypes(after, jax.eval_shape(lambda: view.mutable))
    for leaf in jax.tree.leaves(view.mutable):
        assert (leaf.shape, leaf.dtype) == ((), jnp.float32)


def test_a_view_does_not_depend_on_the_number_of_replicas(view, shown):
    def local(key, images):
        return view.apply(local_keys(key, 2), images, view.mutable)

    split = IMAGES.reshape(4, 2, *IMAGES.shape[1:])
    several = jax.jit(jax.vmap(local, in_axes=(None, 0), axis_name=AXIS))(jax.random.key(0), split)
    one, _ = shown(keys(), IMAGES)
    chex.assert_trees_all_close(several.reshape(one.shape), one, atol=1e-6)


def test_a_steady_augmentation_applies_its_kinds_with_its_probability():
    kinds = ("cutout", "brightness")
    view = augmentation(probability=0.5, kinds=kinds)
    expected = apply_kinds(keys(), IMAGES, kinds=kinds, probability=0.5)
    chex.assert_trees_all_close(jax.jit(view.apply)(keys(), IMAGES, view.mutable), expected, atol=1e-6)
    assert jax.tree.leaves(view.mutable) == []


def test_an_adaptive_augmentation_applies_its_kinds_with_the_probability_that_it_carries():
    view = augmentation(probability=0.25, target=0.6)
    assert float(view.mutable["probability"]) == 0.25
    apply = jax.jit(view.apply)
    chex.assert_trees_all_equal(apply(keys(), IMAGES, {"probability": jnp.zeros(())}), IMAGES)
    always = apply_kinds(keys(), IMAGES, kinds=("brightness", "translation", "cutout"), probability=1.0)
    chex.assert_trees_all_close(apply(keys(), IMAGES, {"probability": jnp.ones(())}), always, atol=1e-6)


@pytest.mark.parametrize(("right", "sign"), [(8, 1), (7, 1), (6, 0), (5, -1), (0, -1)])
def test_the_probability_rises_by_the_images_over_the_pace_while_the_critic_is_too_sure(right, sign):
    view = augmentation(probability=0.5, target=0.5, pace=1000)
    logits = np.where(np.arange(8) < right, 0.1, -70.0)[None]  # r_t = (2 right - 8) / 8, however sure of each
    assert float(moved(view, logits)["probability"][0]) == pytest.approx(0.5 + sign * 8 / 1000, abs=1e-6)


def test_the_probability_goes_from_0_to_1_in_as_many_images_as_the_pace_and_stays_there():
    view = augmentation(target=0.6, pace=640)
    mutable, seen = view.mutable, []
    for _ in range(12):
        mutable = jax.tree.map(lambda leaf: leaf[0], moved(view, np.ones((1, 64)), mutable))
        seen.append(float(mutable["probability"]))
    np.testing.assert_allclose(seen, [*np.arange(1, 11) / 10, 1, 1], atol=1e-6)
    assert max(seen) <= 1
    for _ in range(11):
        mutable = jax.tree.map(lambda leaf: leaf[0], moved(view, -np.ones((1, 64)), mutable))
    assert float(mutable["probability"]) == 0


def test_replicas_with_different_logits_agree_on_the_mean_of_all():
    view = augmentation(probability=0.5, target=0.4, pace=100)
    mixed = np.stack([np.ones(4), np.ones(4), np.ones(4), -np.ones(4)])  # mean 0.5, above; the last replica is below
    np.testing.assert_allclose(moved(view, mixed)["probability"], [0.5 + 16 / 100] * 4, atol=1e-6)
    whole = moved(view, mixed.reshape(1, 16))["probability"]
    np.testing.assert_allclose(moved(view, mixed)["probability"][:1], whole, atol=1e-6)


def test_instance_noise_is_gaussian_of_the_deviation_asked_for_and_leaves_the_mean():
    images = np.full((64, 16, 16, 2), 0.5, np.float32)
    noise = np.asarray(jax.jit(instance_noise(deviation=0.2).apply)(keys(64), images, ())) - images
    assert noise.std() == pytest.approx(0.2, rel=4 / np.sqrt(2 * noise.size))
    assert abs(noise.mean()) < 4 * 0.2 / np.sqrt(noise.size)
    assert scipy.stats.kstest(noise.reshape(-1) / 0.2, "norm").pvalue > 0.01
    assert abs(np.corrcoef(noise[0].reshape(-1), noise[1].reshape(-1))[0, 1]) < 0.2


def test_the_gradient_through_instance_noise_is_the_identity():
    view, cotangent = instance_noise(deviation=0.2), jnp.asarray(np.flip(IMAGES, 1))
    back = jax.jit(lambda keys, images: jax.vjp(lambda images: view.apply(keys, images, ()), images)[1](cotangent)[0])
    chex.assert_trees_all_equal(back(keys(), IMAGES), cotangent)


def test_annealed_noise_falls_in_a_line_to_exactly_nothing():
    view = instance_noise(deviation=0.3, steps=7)
    mutable, seen = view.mutable, []
    for step in range(10):
        seen.append(float(mutable["deviation"]))
        mutable = jax.tree.map(lambda leaf: leaf[0], moved(view, np.zeros((1, 4)), mutable, step))
    np.testing.assert_allclose(seen, [0.3 * max(0.0, 1 - step / 7) for step in range(10)], atol=1e-7)
    assert seen[7:] == [0.0] * 3
    chex.assert_trees_all_equal(view.apply(keys(), IMAGES, mutable), IMAGES)


def test_annealed_noise_follows_the_deviation_that_it_carries():
    view, steady = instance_noise(deviation=0.3, steps=7), instance_noise(deviation=0.1)
    noisy = view.apply(keys(), IMAGES, {"deviation": jnp.asarray(0.1, jnp.float32)})
    chex.assert_trees_all_close(noisy, steady.apply(keys(), IMAGES, ()), atol=1e-7)


@pytest.mark.parametrize("size", [2, 4, 8])
def test_packing_stacks_neighbours_as_channels_and_loses_nothing(size):
    view = packing(size=size)
    packs = np.asarray(jax.jit(view.apply)(keys(), IMAGES, view.mutable))
    assert packs.shape == (8 // size, 16, 16, size * 2)
    assert view.group == size
    for index in range(8):
        first = index % size * 2
        np.testing.assert_array_equal(packs[index // size, :, :, first : first + 2], IMAGES[index])


def test_packs_that_do_not_fill_a_device_are_refused():
    with pytest.raises(ValueError, match=r"^size=3 must divide the images of one device, 8$"):
        packing(size=3).apply(keys(), IMAGES, ())


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("augmentation", {"probability": 1.2}),
        ("augmentation", {"probability": -0.1}),
        ("augmentation", {"probability": float("nan")}),
        ("augmentation", {"target": 1.0}),
        ("augmentation", {"target": -0.6}),
        ("augmentation", {"kinds": ("cutout", "mirror")}),
        ("augmentation", {"kinds": ("cutout", "cutout")}),
        ("augmentation", {"kinds": ()}),
        ("augmentation", {"pace": 0}),
        ("instance_noise", {"deviation": -1.0}),
        ("instance_noise", {"deviation": float("inf")}),
        ("instance_noise", {"steps": -1}),
        ("packing", {"size": 0}),
    ],
)
def test_arguments_out_of_range_are_refused_by_name(name, arguments):
    (key,) = arguments
    with pytest.raises(Refusal, match=rf"^config\.model\.views\.{name}\.{key}="):
        call(VIEWS, {"name": name, **arguments}, f"model.views.{name}")
