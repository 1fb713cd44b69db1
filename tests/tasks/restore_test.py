"""Restoration through the command: exact pixels, reports, sheets, refusals; by a denoiser and by latents."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from gengen.cli.tasks import given_to, main_of
from gengen.core.model import Condition, Denoising, GenerativeModel
from gengen.core.refusal import Refusal
from gengen.core.state import State
from gengen.data.signature import DataSet, Signature
from gengen.metrics.pairs import psnr
from gengen.restoration.methods import METHODS
from gengen.restoration.problems import PROBLEMS
from gengen.samplers.probability_paths import PATHS, in_steps


@pytest.fixture(scope="module")
def greys():
    """Pictures that are flat but for rounding, of any darkness."""
    return np.repeat(np.random.default_rng(0).integers(0, 256, (20, 1, 1, 1), np.uint8), 16, 1).reshape(20, 4, 4, 1)


def flat(steps=0):
    """Expects flat pictures of any darkness: N(0, 1) of one number behind the mean of sixteen noisy ones."""
    path = in_steps(PATHS["linear"], steps) if steps else PATHS["linear"]

    def mean(variables, x, t, condition):
        assert condition is None
        alpha, sigma = (function(t).reshape(-1, 1, 1, 1) for function in (path.alpha, path.sigma))
        axes = tuple(range(1, x.ndim))
        seen = x.mean(axes, keepdims=True) * variables["denoiser"]["params"]["gain"]
        return jnp.broadcast_to(alpha * seen / (jnp.square(alpha) + jnp.square(sigma) / x[0].size), x.shape)

    def init(key, batch):
        del key, batch
        return State(jnp.zeros((), jnp.int32), {"denoiser": {"params": {"gain": jnp.float32(1)}}}, {})

    return GenerativeModel(init, lambda key, state, batch, *, phase=None: (state, {}), denoise=Denoising(mean, path))


def read(path):
    with np.load(path.with_suffix(".npz")) as arrays:
        return dict(arrays), json.loads(path.with_suffix(".json").read_text())


@pytest.mark.parametrize("method", METHODS)
def test_missing_pixels_are_found_and_known_ones_come_back_exactly(looked, greys, sheets, method):
    path = looked("restore", flat(), greys, op="inpaint", method=method, steps=20)
    arrays, report = read(path)
    known = PROBLEMS["inpaint"].build((4, 4, 1), 0.25).known[..., 0]
    np.testing.assert_array_equal(arrays["restored"][:, known], arrays["true"][:, known])
    assert report["consistency"]["before_rounding"] == 0
    assert report["op"] == {"name": "inpaint", "amount": 0.25, "noise": 0.0}
    calls = METHODS[method](steps=20).calls
    assert report["method"] == {"name": method, "steps": 20, "calls": calls}
    ratios = np.minimum(psnr(arrays["restored"], arrays["true"]), 58.92)
    assert report["psnr"]["restored"]["value"] == pytest.approx(ratios.mean(), abs=0.01)
    assert ratios.mean() > 15
    assert [block.rows for block in sheets[0].blocks] == [
        ("true", "seen", "mean of known pixels", "nearest known pixel", "restored")
    ]


def test_means_of_squares_are_those_that_were_seen_and_pictures_of_the_user_take_the_place_of_held_out_ones(
    looked, greys, tmp_path, capsys
):
    (tmp_path / "mine").mkdir()
    Image.fromarray(greys[0, ..., 0]).save(tmp_path / "mine" / "a.png")
    path = looked("restore", flat(), greys, op="superres", amount=2.0, input=tmp_path / "mine", steps=20)
    arrays, report = read(path)
    assert path.name == "restored-superres-pigdm-mine.png"
    np.testing.assert_array_equal(arrays["true"], greys[:1])
    assert report["consistency"]["before_rounding"] < 1e-5 and report["consistency"]["after_rounding"] < 0.01
    assert set(report["psnr"]) == {"restored", "nearest", "bicubic"} == {*report["better_by"], "restored"}
    assert "low" not in report["psnr"]["restored"]
    assert "superres of 2, pigdm in 20 steps" in capsys.readouterr().out


def test_noise_is_taken_away_and_no_picture_depends_on_the_others(looked, greys):
    arrays, report = read(looked("restore", flat(), greys, op="denoise", steps=20))
    assert report["better_by"]["noisy"]["low"] > 3
    few, _ = read(looked("restore", flat(), greys, op="denoise", steps=20, num=3))
    np.testing.assert_array_equal(few["restored"], arrays["restored"][:3])
    other, _ = read(looked("restore", flat(), greys, op="denoise", steps=20, num=3, seed=1))
    assert (other["seen"] != few["seen"]).any()


@pytest.mark.parametrize("op", ["superres", "colorize", "denoise"])
def test_latents_that_explain_what_was_seen_restore_it(looked, coding, opened, tmp_path, op):
    colours = np.random.default_rng(0).integers(0, 256, (6, 8, 8, 3), np.uint8)
    signature = Signature.of_pictures("colours", (8, 8, 3), (), {"train": 6, "test": 6}, "")
    data = DataSet(signature, {"train": {"data": colours}, "test": {"data": colours}}, tmp_path)

    def decode(key, variables, latents, condition=None):
        return jnp.tanh(latents.reshape(-1, 8, 8, 3))

    def prior(key, variables, n, condition=None):
        return jax.random.normal(key, (n, 192))

    model = coding()._replace(encode=None, decode=decode, prior=prior)
    flags = {"op": op, "steps": 30, "num": 4, "seed": 0}
    arrays, report = read(main_of("restore")(opened(model, data), **given_to("restore", flags)))
    assert report["method"] == {"name": "inverted", "steps": 30, "calls": None}
    assert arrays["latents"].shape == (4, 192)
    if not report["op"]["noise"]:
        assert report["consistency"]["before_rounding"] < 2e-3


def test_latents_of_pictures_are_found(looked, coding):
    black = np.zeros((8, 4, 4, 1), np.uint8)
    black[:, 0, :2, 0] = np.random.default_rng(0).integers(60, 200, (8, 2))
    draws = np.random.default_rng(1).normal(size=(500, 2))
    arrays, report = read(looked("invert", coding(draws=draws, encodes=False), black, steps=200))
    np.testing.assert_allclose(
        np.sort(arrays["latents"].reshape(8, 2), 0), np.sort((black[:, 0, :2, 0] / 127.5 - 1) * 2, 0), atol=0.05
    )
    np.testing.assert_allclose(arrays["found"][:, 0, :2, 0], arrays["true"][:, 0, :2, 0], atol=4)
    assert report["latents"] == [2] and report["psnr"]["low"] < report["psnr"]["value"]


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ({"op": None}, "takes --op, one of inpaint, outpaint"),
        ({"op": "paint"}, "--op=paint is none of"),
        ({"op": "colorize"}, "--op=colorize: pictures of 1 channel have no colours"),
        ({"op": "superres", "amount": 3.0}, "--op=superres: pictures of 4 x 4 are not made of squares of 3 x 3"),
        ({"op": "superres", "amount": 2.5}, "must be a whole number in \\[2, 64\\]"),
        ({"op": "inpaint", "amount": 1.0}, "must be a number in \\(0, 1\\), the share"),
        ({"op": "inpaint", "amount": float("nan")}, "must be a number in"),
        ({"op": "denoise", "amount": 1.0}, "its noise is --noise"),
        ({"op": "denoise", "noise": 0.0}, "leaves nothing to be taken away"),
        ({"op": "inpaint", "noise": -1.0}, "must lie in \\[0, 10\\]"),
        ({"op": "inpaint", "method": "magic"}, "none of pigdm, ddnm, mmps, dps, repaint, inverted"),
        ({"op": "superres", "amount": 2.0, "method": "repaint"}, "for missing pixels alone"),
        ({"op": "inpaint", "noise": 0.1, "method": "ddnm"}, "takes what was seen for exact"),
        ({"op": "inpaint", "method": "inverted"}, "cannot decode"),
    ],
    ids=lambda value: "" if isinstance(value, str) else "-".join(f"{name}={told}" for name, told in value.items()),
)
def test_what_cannot_be_restored_is_a_sentence(looked, greys, flags, said):
    with pytest.raises(Refusal, match=said):
        looked("restore", flat(), greys, **flags)


def test_models_that_cannot_restore_are_told_so(looked, coding, greys):
    with pytest.raises(Refusal, match="can neither denoise nor decode"):
        looked("restore", flat()._replace(denoise=None), greys, op="inpaint")
    with pytest.raises(Refusal, match="--method=dps takes a model of diffusion"):
        looked("restore", coding(), greys, op="inpaint", method="dps")
    conditional = coding(classes=3, draws=np.zeros((1, 2)))
    for mode, flags in (("restore", {"op": "inpaint"}), ("invert", {})):
        with pytest.raises(Refusal, match="told their label, which nobody knows"):
            looked(mode, conditional, greys, **flags)
    assert conditional.conditions == {"label": Condition(classes=3)}
    with pytest.raises(Refusal, match="more than the 10 times"):
        looked("restore", flat(steps=10), greys, op="inpaint", steps=11)
    with pytest.raises(Refusal, match="cannot decode"):
        looked("invert", flat(), greys)
