"""Autoguidance: samples of one run are guided away from another one, if that goes with it."""

import jax
import numpy as np
import pytest

from gengen.api import train
from gengen.core.model import Denoising
from gengen.core.refusal import Refusal
from gengen.runs import run
from gengen.runs.check import check_config
from tests.configs_test import config_of, signature_of


def asking(folder="weak"):
    config = config_of("flow_matching", "tiny")
    config.sampling.update(worse=folder, guidance=2.0)
    return config


class Weak:
    """An opened run, as far as a better one looks at it."""

    def __init__(self, denoise=True, **model):
        self.config = config_of("flow_matching", "tiny")
        self.config.model.update(model)
        self.signature = signature_of(self.config)
        self.model = self
        self.denoise = Denoising(None, None) if denoise else None


def test_a_run_is_guided_away_from_one_of_the_same_data_and_path_alone(monkeypatch):
    signature = signature_of(asking())
    monkeypatch.setattr(run, "open_run", lambda folder, every: Weak())
    assert isinstance(run._worse(asking(), signature), Weak)
    assert run._worse(config_of("flow_matching", "tiny"), signature) is None
    other = signature_of(config_of("ddpm", "mnist"))
    for weak, seen in ((Weak(path="cosine"), signature), (Weak(denoise=False), signature), (Weak(), other)):
        monkeypatch.setattr(run, "open_run", lambda folder, every, weak=weak: weak)
        with pytest.raises(Refusal, match=r"sampling\.worse=weak must be a run of model\.name='diffusion'"):
            run._worse(asking(), seen)


def test_what_samples_are_guided_away_from_is_not_heeded_while_training_and_refused():
    with pytest.raises(Refusal, match=r"sampling\.worse='weak' is of commands that draw samples"):
        check_config(asking())


@pytest.mark.slow
def test_samples_of_an_opened_run_are_guided_away_from_the_other_folder(data_dir, tmp_path):
    config = config_of("flow_matching", "tiny")
    config.data.data_dir = str(data_dir)
    config.networks.denoiser.update(multipliers=(1,), attention=())
    for name, steps in (("weak", 5), ("good", 20)):
        config.training.steps = steps
        with jax.numpy_dtype_promotion("standard"):
            train.run(config, tmp_path / name)
    given = asking(str(tmp_path / "weak"))
    guided, plain = run.open_run(tmp_path / "good", given=given), run.open_run(tmp_path / "good")
    weak = run.open_run(tmp_path / "weak")
    x, time = np.ones((2, 8, 8, 1), np.float32), np.full(2, 0.5, np.float32)
    told = {"label": np.arange(2)}
    better, worse = (one.model.denoise.mean(one.variables, x, time, told) for one in (plain, weak))
    assert np.abs(better - worse).max() > 1e-4
    # One call of Euler's from t = 1, where nothing is left of the data, is the guided mean itself.
    given.sampling.update(name="ddim", calls=1)
    key = jax.random.key(0)
    drawn = [
        np.asarray(run.open_run(tmp_path / "good", given=one).model.sample(key, variables, 2, told))
        for one, variables in (
            (given, guided.variables),
            (with_guidance(given, 1.0), plain.variables),
            (with_guidance(given, 0.0), guided.variables),
        )
    ]
    np.testing.assert_allclose(drawn[0], 2 * drawn[1] - drawn[2], atol=1e-4)
    assert np.abs(drawn[0] - drawn[1]).max() > 1e-4


def with_guidance(config, weight):
    changed = config.copy_and_resolve_references()
    changed.sampling.guidance = weight
    return changed
