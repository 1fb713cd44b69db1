"""Public functions of losses refuse arrays that do not go together when they are traced, before anything is run."""

import inspect

import jax
import jax.numpy as jnp
import pytest

from gengen.losses import adversarial, bounds, divergences, penalties

FUNCTIONS = {
    name: function
    for module in (adversarial, bounds, divergences, penalties)
    for name, function in vars(module).items()
    if getattr(function, "__module__", None) == module.__name__ and callable(function) and not inspect.isclass(function)
    if not name.startswith("_")
}

LOSSES = adversarial.ADVERSARIAL_LOSSES.values()
FUNCTIONS |= {part.__name__: part for loss in LOSSES for part in (loss.critic, loss.generator, loss.of_batch) if part}

ELEMENTWISE = {"standard_log_density", *(loss.distance.__name__ for loss in LOSSES)}
"""Of one array of any shape."""


def zeros(*shapes):
    return tuple(jnp.zeros(shape) for shape in shapes)


def flat(points):
    """A critic of points [B, ...] that judges each alone: [B]."""
    return points.reshape(points.shape[0], -1).sum(1)


def one_each(points):
    """A critic that forgets to drop an axis: [B, 1]."""
    return flat(points)[:, None]


LOGITS = [zeros((3,), (3,)), zeros((3, 2, 2), (3, 2, 2))], [zeros((3,), (4,)), zeros((3,), (3, 1)), zeros((1,), (3,))]
TARGETS = LOGITS[0] + [zeros((3,), (3,), (3,)), zeros((3,), (3,), ())], LOGITS[1] + [zeros((3,), (3,), (4,))]
WEIGHTS = [zeros((5, 3))], [zeros((3,)), zeros((5, 3, 1))]
POINTS = [(flat, *zeros((3, 4))), (flat, *zeros((3, 2, 2, 1)))], [(one_each, *zeros((3, 4))), (jnp.sum, *zeros((3, 4)))]

CASES = {
    **{loss.critic.__name__: TARGETS if loss.targets else LOGITS for loss in LOSSES},
    **{loss.generator.__name__: LOGITS for loss in LOSSES},
    **{loss.of_batch.__name__: LOGITS for loss in LOSSES if loss.of_batch},
    **dict.fromkeys(("importance_weighted", "normalised_weights"), WEIGHTS),
    "with_gradient_weighted": ([zeros((5, 3, 2), (5, 3))], [zeros((5, 3, 2), (3,)), zeros((5, 3, 2), (5, 3, 2))]),
    "normal_log_density": (
        [zeros((3, 2), (3, 2), (3, 2)), zeros((5, 3, 2), (1, 3, 2), (1, 3, 2))],
        [zeros((5, 3, 2), (3, 2), (3, 2)), zeros((3, 2), (3, 2), (3, 1))],
    ),
    "divergence_from_standard": ([zeros((3, 2), (3, 2))], [zeros((3, 2), (2,)), zeros((3, 2), (3, 1))]),
    **dict.fromkeys(("squared_gradient", "lipschitz_penalty", "zero_centred_penalty"), POINTS),
    "interpolated": (
        [zeros((3, 4), (3, 4), (3,))],
        [zeros((3, 4), (3, 1), (3,)), zeros((3, 4), (3, 4), (3, 1)), zeros((3, 4), (3, 4), (4,))],
    ),
}
"""Arguments that each function takes, and such that it does not."""


def traced(name, arguments):
    critic = [argument for argument in arguments if callable(argument)]
    return jax.eval_shape(lambda *arrays: FUNCTIONS[name](*critic, *arrays), *arguments[len(critic) :])


def test_every_public_function_has_its_cases():
    missing = set(FUNCTIONS) - {*CASES, *ELEMENTWISE}
    assert not missing, f"CASES or ELEMENTWISE in tests/losses/shapes_test.py need {', '.join(sorted(missing))}"


@pytest.mark.parametrize("name", CASES)
def test_arrays_that_go_together_are_taken_and_others_are_refused(name):
    taken, refused = CASES[name]
    for arguments in taken:
        traced(name, arguments)
    for arguments in refused:
        try:
            traced(name, arguments)
        except AssertionError:
            continue
        except (TypeError, ValueError):  # of JAX, which refuses some of them itself, and only some
            pass
        pytest.fail(f"{name} takes arrays that do not go together: it begins with chex.assert_equal_shape or its like")


def test_a_weight_of_another_shape_is_refused_where_the_gradient_is_taken_too():
    x, weight = zeros((5, 3, 2), (3,))
    with pytest.raises(AssertionError):
        jax.eval_shape(jax.grad(lambda x: bounds.with_gradient_weighted(x, weight).sum()), x)
