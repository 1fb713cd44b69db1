"""Films of sampling: the samples of `--mode=sample` at their end, noise at their start, and steps in between."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from gengen.core.model import Condition, GenerativeModel
from gengen.core.refusal import Refusal
from gengen.core.state import State
from gengen.tasks.trajectory import FRAMES

BLACK = np.zeros((20, 4, 4, 1), np.uint8)


def fading(steps, classes=0):
    """From noise in even steps to flat pictures, of class k all of darkness k / 4."""

    def trajectory(key, variables, n, condition=None):
        noise = jax.vmap(lambda i: jax.random.normal(jax.random.fold_in(key, i), (4, 4, 1)))(jnp.arange(n))
        flat = (condition["label"] / 4 if classes else jnp.zeros(n))[:, None, None, None] + 0 * noise
        share = jnp.linspace(0, 1, steps + 1).reshape(-1, 1, 1, 1)
        return jax.vmap(lambda noise, flat: (1 - share) * noise[None] + share * flat[None])(noise, flat)

    def init(key, batch):
        return State(jnp.zeros((), jnp.int32), {"denoiser": {"params": {}}}, {})

    return GenerativeModel(
        init,
        lambda key, state, batch, *, phase=None: (state, {}),
        sample=lambda *given, **told: trajectory(*given, **told)[:, -1],
        trajectory=trajectory,
        conditions={"label": Condition(classes=classes)} if classes else {},
    )


def stills(path):
    with Image.open(path.with_suffix(".gif")) as film:
        return film.n_frames


@pytest.mark.quick
def test_states_go_from_noise_to_the_samples_of_the_same_seed(looked, sheets, capsys):
    labels = np.arange(20, dtype=np.int32) % 3
    path = looked("trajectory", fading(5, classes=3), BLACK, labels, num=4)
    with np.load(path.with_suffix(".npz")) as arrays:
        states, steps = arrays["states"], arrays["steps"]
    assert states.shape == (4, 6, 4, 4, 1)
    np.testing.assert_array_equal(steps, np.arange(6))
    with np.load(looked("sample", fading(5, classes=3), BLACK, labels, num=4)) as arrays:
        np.testing.assert_array_equal(states[:, -1], arrays["images"])
    assert [state[0, 0, 0] for state in states[:, -1]] == [128, 159, 191, 128]  # (label / 4 + 1) / 2 of 255
    assert states[:, 0].std() > 50 > states[:, 4].std() > 0
    assert stills(path) == 6
    assert sheets[0].blocks[0].across == [f"step {step}" for step in range(6)]
    assert sheets[0].blocks[0].rows == ["a", "b", "c", "a"]
    assert "4 samples in 5 steps" in capsys.readouterr().out


def test_of_many_steps_some_are_shown_evenly_with_both_ends(looked):
    path = looked("trajectory", fading(250), BLACK, num=2)
    with np.load(path.with_suffix(".npz")) as arrays:
        steps = arrays["steps"]
        np.testing.assert_array_equal(arrays["states"][:, -1], 128)
    assert stills(path) == len(steps) == FRAMES
    assert (steps[0], steps[-1]) == (0, 250)
    assert set(np.diff(steps)) == {2, 3}


@pytest.mark.quick
def test_one_class_is_asked_for_by_its_name(looked, sheets):
    labels = np.arange(20, dtype=np.int32) % 3
    looked("trajectory", fading(2, classes=3), BLACK, labels, num=2, label="c")
    assert sheets[0].blocks[0].rows == ["c", "c"]
    with pytest.raises(Refusal, match="d"):
        looked("trajectory", fading(2, classes=3), BLACK, labels, num=2, label="d")


@pytest.mark.quick
def test_samples_without_steps_have_no_trajectory(looked):
    with pytest.raises(Refusal, match="not of diffusion"):
        looked("trajectory", fading(2)._replace(trajectory=None), BLACK)
