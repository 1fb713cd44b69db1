"""Anomalies that are another data set: what is loaded, beside what, and what is refused."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from ml_collections import ConfigDict

from gengen.core.field import Field
from gengen.core.model import GenerativeModel
from gengen.core.refusal import Refusal
from gengen.data.signature import DataSet, Signature
from gengen.evaluation import foreign
from gengen.evaluation.anomalies import anomaly_test
from gengen.evaluation.foreign import foreign_data
from gengen.runs.run import Run
from gengen.tasks import detect


def pictures(name, value, number=40, shape=(4, 4, 1)):
    test = np.full((number, *shape), value, np.uint8)
    return DataSet(Signature.of_pictures(name, shape, ("a", "b"), {}, ""), {"test": {"data": test}}, Path())


def run_of(data, model=None, **evaluation):
    config = ConfigDict({"data": {"name": "own", "data_dir": "there", "classes": (), "manual_dir": "mine"}})
    config.update({"training": {"epochs": 3.0, "batch_size": 8}, "evaluation": evaluation})
    model = model or GenerativeModel(None, None)
    return Run(None, config, data.signature, model, 7, {}, {"run": "r", "step": 7}, config)


@pytest.fixture
def loads(monkeypatch):
    """Loads a data set in the place of any, and keeps the config that it was asked for with."""
    asked = []

    def take(data):
        monkeypatch.setattr(foreign, "load_data", lambda config: asked.append(config) or data)
        return asked

    return take


def test_foreign_pictures_are_loaded_in_the_shape_of_the_own_ones(loads):
    other = pictures("other", 200)
    asked = loads(other)
    assert foreign_data(run_of(pictures("own", 3), foreign="other", foreign_dir="here")) is other
    section = {"name": "other", "data_dir": "there", "manual_dir": "here", "resolution": (4, 4), "channels": 1}
    assert asked[0].data.to_dict() == section and asked[0].training.epochs == 0


def test_all_foreign_examples_are_anomalies_and_the_own_ones_none(loads):
    own = pictures("own", 3, 60)
    loads(pictures("other", 200, 40))
    run = run_of(own, foreign="other")
    shown = anomaly_test(run, own, num=1_000, seed=0)
    np.testing.assert_array_equal(shown.data[:, 0, 0, 0], np.repeat([3, 200], [60, 40]))
    np.testing.assert_array_equal(shown.anomalous, np.repeat([False, True], [60, 40]))
    assert (shown.name_of(0), shown.name_of(99)) == ("own", "other")
    some = anomaly_test(run, own, num=50, seed=0)
    assert len(some.data) == 50 and 10 < some.anomalous.sum() < 30
    np.testing.assert_array_equal(some.data[:, 0, 0, 0] == 200, some.anomalous)
    with pytest.raises(Refusal, match=r"^2 normal and 0 anomalous test images are too few"):
        anomaly_test(run, own, num=2, seed=1)


@pytest.mark.input(
    "Judging", "foreign data of another shape for `--mode=detect`", "refused", "the sentence says what both are"
)
@pytest.mark.parametrize(
    ("field", "said"),
    [
        (Field((4, 4, 3), "uint8", 0.0, 255.0), r"pictures \[4, 4, 3\] of 256 levels"),
        (Field((4, 4, 1), "float32"), r"pictures \[4, 4, 1\] of real numbers"),
    ],
    ids=["colours", "real numbers"],
)
def test_data_of_another_shape_are_refused(loads, field, said):
    other = pictures("other", 200)
    loads(dataclasses.replace(other, signature=dataclasses.replace(other.signature, fields={"data": field})))
    sentence = (
        rf"^config.evaluation.foreign='other' holds {said}, and the run was trained on pictures \[4, 4, 1\] of 256 "
    )
    with pytest.raises(Refusal, match=sentence + r"levels; name data like its own\.$"):
        foreign_data(run_of(pictures("own", 3), foreign="other"))


def test_refusals_name_the_keys_of_the_evaluation(monkeypatch):
    def refused(config):
        raise Refusal("config.data.name='no' is unknown; or name a folder in config.data.manual_dir.")

    monkeypatch.setattr(foreign, "load_data", refused)
    sentence = r"^config.evaluation.foreign='no' is unknown; or name a folder in config.evaluation.foreign_dir\.$"
    with pytest.raises(Refusal, match=sentence):
        foreign_data(run_of(pictures("own", 3), foreign="no"))


def test_likelihood_and_typicality_stand_beside_each_other(loads):
    """Foreign pictures are brighter, and the model likes bright ones best: its likelihood tells the wrong ones."""

    def log_likelihood(key, variables, data, condition=None, samples=1):
        return 100 * data.mean((1, 2, 3))

    own = pictures("own", 3, 60)
    own.splits["test"]["data"][:] = np.random.default_rng(0).integers(0, 20, (60, 1, 1, 1))
    loads(pictures("other", 200, 40))
    run = run_of(own, GenerativeModel(None, None, log_likelihood=log_likelihood), foreign="other")
    shown = anomaly_test(run, own, num=1_000, seed=0)
    normal = detect.Normal(run, own.splits["test"]["data"])
    found = {
        name: detect._beside(other, normal, shown)["beside"][name] for name, other in (detect.PAIR, detect.PAIR[::-1])
    }
    assert found["likelihood"]["auroc"]["value"] == 0 and found["typicality"]["auroc"]["value"] == 1
    assert found["likelihood"]["title"] == "minus the exact log-likelihood, nats"
    assert detect._beside("squared_error", normal, shown) == {"beside": {}}
