"""Networks that know the way satisfy what each method asks for, and make samples of the right law in one call."""

from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gengen.core.parallel import AXIS
from gengen.models.diffusion.consistency import Consistency, consistent
from gengen.models.diffusion.diffusion import diffusion
from gengen.models.diffusion.drawing import Drawing
from gengen.models.diffusion.drifting import Drifting, field
from gengen.models.diffusion.mean_flow import MeanFlow, identity
from gengen.models.diffusion.method import Asked, Shown, parted
from gengen.models.diffusion.one_step import OneStep, one_step
from gengen.models.diffusion.one_step_methods import METHODS
from gengen.models.diffusion.shortcut import Shortcut, halves
from gengen.networks.denoisers.denoiser import Denoiser
from gengen.samplers.jumps import Jumps, jumps
from gengen.samplers.samplers import heun

MEANS, DEVIATION = np.array([-2.0, 2.0, 0.5], np.float32), 0.5
"""Of two classes, and of all data: a Gaussian each."""

N = 64


def column(values, x):
    return values.reshape(-1, *[1] * (x.ndim - 1))


def deviation_at(time):
    return jnp.sqrt(jnp.square(1 - time) * DEVIATION**2 + jnp.square(time))


def moved(x, time, earlier, mean):
    """Where x at a time comes from at an earlier one, of Gaussian data: a multiple of what it differs from the mean."""
    old, new = (column(deviation_at(one), x) for one in (time, earlier))
    return (1 - column(earlier, x)) * mean + new / old * (x - (1 - column(time, x)) * mean)


def velocity(x, time, mean=0.0):
    """dx/dt on the way of the data through x."""
    return jax.jvp(lambda later: moved(x, time, later, mean), (time,), (jnp.ones_like(time),))[1]


def mean_velocity(x, time, span, mean=0.0):
    """Over a span; that of a span of 0 is the velocity."""
    whole = (x - moved(x, time, time - span, mean)) / column(jnp.where(span > 0, span, 1.0), x)
    return jnp.where(column(span > 0, x), whole, velocity(x, time, mean))


def means(told, x):
    return column(jnp.asarray(MEANS)[told["label"]] if told else jnp.full(len(x), MEANS[2]), x)


def exact(x, time, span, told, keys=None):
    """What a network that leaps should say."""
    del keys
    return mean_velocity(x, time, span, means(told, x))


def exact_end(x, time, span, told, keys=None):
    """What it should say in consistency training, of which the end of the way is made."""
    del span, keys
    variance = column(jnp.square(deviation_at(time)), x)
    skip = (1 - column(time, x)) * DEVIATION**2 / variance
    out = column(time, x) * DEVIATION / jnp.sqrt(variance)
    return (moved(x, time, jnp.zeros_like(time), means(told, x)) - skip * x) / out


def exact_made(x, time, span, told, keys=None):
    """What it should say where it makes samples of noise."""
    del time, span, keys
    return x - (means(told, x) + DEVIATION * x)


EXACT = {"mean_flow": exact, "shortcut": exact, "consistency": exact_end, "drifting": exact_made}


class Known(Denoiser):
    """Says what a function of x at its own scale says."""

    said: str = "mean_flow"

    @nn.compact
    def __call__(self, x, time, told=None, span=None, keys=None, *, train):
        del train
        x = x * column(deviation_at(time), x)
        return EXACT[self.said](x, time, span, told, keys) + self.param("error", nn.initializers.zeros, ())


def shown(key, classes=0, n=N):
    """Examples of Gaussian data."""
    keys = jax.random.split(key, 5)
    told = {"label": jax.random.randint(keys[0], (n,), 0, classes)} if classes else {}
    noise, unit = (jax.random.normal(key, (n, 2)) for key in keys[1:3])
    data = means(told, noise) + DEVIATION * unit
    share = (jnp.arange(n, dtype=jnp.float32) + 0.5) / n
    silent = jnp.zeros(n, bool) if classes else jnp.ones(n, bool)
    nothing = {"label": jnp.full(n, 2)} if classes else {}
    of_examples = jax.random.split(keys[3], n)
    return Shown(data, noise, share, of_examples, of_examples, told, nothing, told, silent)


def times(key, n=N):
    time, earlier = jnp.sort(jax.random.uniform(key, (2, n)), 0)[::-1]
    return time, earlier


def test_both_sides_of_the_mean_flow_identity_are_equal_on_an_analytic_flow():
    x, (time, earlier) = jax.random.normal(jax.random.key(0), (N, 2)), times(jax.random.key(1))
    said, target = identity(partial(mean_velocity, mean=0.7), x, time, earlier, velocity(x, time, 0.7))
    np.testing.assert_allclose(said, target, atol=2e-4)
    wrong, target = identity(
        lambda *given: 1.1 * mean_velocity(*given, mean=0.7), x, time, earlier, velocity(x, time, 0.7)
    )
    assert np.abs(wrong - target).max() > 0.1


def test_what_the_mean_flow_identity_asks_of_a_straight_flow_is_its_velocity_over_any_span():
    """Where all move alike, u = v however far, and the target is v whatever the network says of it."""
    x, (time, earlier) = jax.random.normal(jax.random.key(0), (N, 2)), times(jax.random.key(1))
    said, target = identity(lambda x, time, span: jnp.full_like(x, 3.0), x, time, earlier, jnp.full_like(x, 3.0))
    np.testing.assert_array_equal(said, target)


def test_a_mean_flow_that_is_guided_aims_beyond_what_its_class_says():
    """With omega and kappa of the paper: omega v + kappa u(class) + (1 - omega - kappa) u(nothing)."""
    examples, method = shown(jax.random.key(0), classes=2), MeanFlow(guidance=3.0, mixed=0.5)
    time = examples.share
    x = examples.data + column(time, examples.data) * (examples.noise - examples.data)
    aimed = method._velocity(Asked(exact, exact), examples, x, time)
    own, still = examples.noise - examples.data, jnp.zeros_like(time)
    classed, free = (exact(x, time, still, told) for told in (examples.told, examples.nothing))
    np.testing.assert_allclose(aimed, 1.5 * own + 0.5 * classed - free, atol=1e-4)
    silent = examples._replace(silent=jnp.ones(N, bool))
    np.testing.assert_allclose(method._velocity(Asked(exact, exact), silent, x, time), own, atol=1e-6)


def test_two_halves_of_a_shortcut_are_the_whole_on_an_analytic_flow_and_exactly_on_straight_ones():
    x, (time, earlier) = jax.random.normal(jax.random.key(0), (N, 2)), times(jax.random.key(1))
    span = time - earlier
    network = partial(mean_velocity, mean=0.7)
    np.testing.assert_allclose(halves(network, x, time, span, span / 2), network(x, time, span), atol=1e-3)
    straight = halves(lambda x, time, span: jnp.full_like(x, 3.0), x, time, span, span / 2)
    np.testing.assert_array_equal(straight, jnp.full_like(x, 3.0))
    wrong = halves(lambda *given: network(*given) + given[2][:, None], x, time, span, span / 2)
    assert np.abs(wrong - network(x, time, span) - span[:, None]).max() > 0.1


def test_spans_of_shortcuts_are_halves_of_halves_of_1_and_end_within_it():
    time, span = Shortcut(halvings=3)._drawn(shown(jax.random.key(0), n=512))
    assert set(np.unique(span)) == {1.0, 0.5, 0.25}
    assert np.all(time >= span)
    assert np.all(time <= 1)
    np.testing.assert_array_equal(time % span, 0)
    assert len(np.unique(time)) == 4


def test_data_are_their_own_ends():
    """The boundary condition of consistency functions, whatever the network says."""
    x = jax.random.normal(jax.random.key(0), (N, 2))
    wild = lambda x, *_: 1e3 * jnp.sin(x)  # noqa: E731
    np.testing.assert_array_equal(consistent(wild, x, jnp.zeros(N), {}, DEVIATION), x)
    near = consistent(wild, x, jnp.full(N, 1e-6), {}, DEVIATION)
    np.testing.assert_allclose(near, x, atol=2e-3)


def test_two_points_of_a_way_begin_at_its_ends_and_come_nearer():
    method, ratio = Consistency(doubling=10, doublings=4), jnp.asarray([1e-3, 1.0, 100.0])
    np.testing.assert_array_equal(method._apart(jnp.zeros((), int), ratio), 1.0)
    late = [method._apart(jnp.asarray(step), ratio) for step in (30, 40, 400)]
    np.testing.assert_allclose(late[1], late[0] / 2, rtol=1e-6)
    np.testing.assert_array_equal(late[2], late[1])


def moves(x, data, samples, width=0.5):
    see = (jnp.ones((len(x), len(data)), bool), jnp.ones((len(x), len(samples)), bool))
    return np.asarray(field(x, data, samples, width, *see))


def test_the_field_vanishes_where_samples_equal_data_and_turns_where_they_are_exchanged():
    x, data, samples = (jax.random.normal(key, (N, 2)) for key in jax.random.split(jax.random.key(0), 3))
    np.testing.assert_allclose(moves(x, data, data), 0.0, atol=1e-6)
    np.testing.assert_allclose(moves(x, data, samples), -moves(x, samples, data), atol=1e-6)
    assert np.abs(moves(x, data, samples)).max() > 1e-3


def test_the_field_points_to_the_data_and_away_from_other_samples():
    x = jax.random.normal(jax.random.key(0), (N, 2))
    toward = moves(x, x + jnp.asarray([[5.0, 0.0]]), x, width=3.0)
    assert np.all(toward[:, 0] > 0)
    assert np.abs(toward[:, 1]).mean() < toward[:, 0].mean() / 10


def drift_of(x, examples, width):
    """The field at samples, of its own size."""
    drift, size = jax.vmap(lambda x: Drifting((width,))._drift(x, examples), axis_name=AXIS)(x[None])
    return np.asarray(drift[0] * size[0])


def test_samples_move_to_the_data_of_what_they_are_told_and_hardly_where_they_have_their_law():
    examples = shown(jax.random.key(0), classes=2, n=256)
    same = means(examples.told, examples.noise) + DEVIATION * examples.noise
    at_rest, shifted = (drift_of(same + off, examples, width=0.3).mean(0) for off in (0.0, 0.5))
    assert shifted.max() < 0
    assert np.abs(at_rest).max() < 0.4 * np.abs(shifted).min()
    other = 1 - examples.told["label"]
    swapped = drift_of(same, examples._replace(told={"label": other}), width=3.0)
    assert np.mean(swapped * np.sign(MEANS[np.asarray(other)])[:, None] > 0) > 0.95


def game(method, calls=1, classes=0, **settings):
    network = Known(shape=(2,), classes=classes, said=method)
    return OneStep(network, METHODS[method](**settings), DEVIATION, 0.0, Jumps(calls), False)


def variables(error=0.0):
    return {"denoiser": {"params": {"error": jnp.asarray(error)}}}


@pytest.mark.parametrize(
    ("method", "calls"), [(name, 1) for name in METHODS] + [(name, 3) for name in METHODS if name != "drifting"]
)
def test_samples_of_exact_networks_have_the_law_of_the_data(method, calls):
    told = {"label": jnp.arange(2_000) % 2}
    draw = jax.jit(lambda key: game(method, calls, classes=2).solved(key, variables(), 2_000, told).end)
    found = np.asarray(draw(jax.random.key(0)))
    for label in (0, 1):
        own = found[label::2]
        assert abs(own.mean() - MEANS[label]) < 4 * DEVIATION / own.size**0.5
        assert abs(own.std() / DEVIATION - 1) < 4 * (2 * own.size) ** -0.5


@pytest.mark.parametrize("method", ["mean_flow", "shortcut", "consistency"])
def test_the_loss_is_least_where_the_network_is_exact(method):
    """Its slope, of a shift of all that the network says, is 0 but for the noise of so many examples."""
    near = {"huber": 10.0, "doubling": 1, "doublings": 7}
    settings = {"mean_flow": {"power": 0.0}, "consistency": near}.get(method, {})
    known, examples = game(method, **settings), shown(jax.random.key(2), n=8192)

    def slope(error):
        def loss(error):
            said = partial(known._said, variables(error))
            steady = partial(known._said, variables(jax.lax.stop_gradient(error)))
            return known.method.loss(Asked(said, steady), examples, jnp.asarray(100), DEVIATION)[0]

        return jax.grad(loss)(jnp.asarray(error))

    at, above, below = (float(slope(error)) for error in (0.0, 0.5, -0.5))
    assert below < 0 < above
    assert abs(at) < 0.1 * (above - below)


def test_the_two_parts_of_a_batch_make_the_whole_and_must_fit():
    first, others = parted({"a": jnp.arange(8), "b": jnp.ones((8, 2))}, 4)
    np.testing.assert_array_equal(first["a"], [0, 4])
    np.testing.assert_array_equal(others["a"], [1, 2, 3, 5, 6, 7])
    assert others["b"].shape == (6, 2)
    with pytest.raises(ValueError, match="every=3 must divide the batch of a device, 8"):
        parted(jnp.arange(8), 3)


def build(builder=one_step, sampler=None, guidance=1.0, **arguments):
    drawing = Drawing(sampler or jumps(), guidance=guidance)
    given = {"networks": {"denoiser": Known(shape=(2,))}, "optimizers": {"denoiser": optax.identity()}}
    return builder(**given, bounded=False, drawing=drawing, **arguments)


@pytest.mark.parametrize(
    ("sentence", "arguments"),
    [
        (r"sampling\.name must be 'jumps'", {"sampler": heun(calls=3), "method": MeanFlow()}),
        (r"sampling\.guidance=2\.0 is of denoisers", {"guidance": 2.0, "method": MeanFlow()}),
        (r"sampling\.calls=2 must be 1", {"sampler": jumps(calls=2), "method": Drifting()}),
        (r"sampling\.name='jumps' is of networks that leap", {"builder": diffusion, "levels": 0}),
    ],
)
def test_what_does_not_go_together_is_refused(sentence, arguments):
    with pytest.raises(ValueError, match=sentence):
        build(**arguments)
