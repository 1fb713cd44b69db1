"""Which commands may go on in a folder: those of the same experiment, also where it is of an older version."""

import errno
import fcntl
import json
import os

import pytest
from ml_collections import ConfigDict

from gengen.core.refusal import Refusal
from gengen.runs.folder import check_config, held, open_folder, read_folder

SIGNATURE = {"name": "few", "digest": "d", "counts": {"train": 8, "test": 4}, "classes": ["a", "b"]}


def config(**changed):
    sections = {"model": {"name": "gan", "latent": 2}, "training": {"steps": 10, "log_every": 5}, "data": {"name": "x"}}
    for key, value in changed.items():
        section, _, name = key.partition("__")
        sections[section][name] = value
    return ConfigDict(sections)


@pytest.fixture
def begun(tmp_path):
    """The folder of a run that has a checkpoint."""
    open_folder(tmp_path, config(), SIGNATURE)
    (tmp_path / "checkpoints" / "5").mkdir(parents=True)
    return tmp_path


@pytest.mark.parametrize("empty", [0, 0.0, "", (), False, None], ids=repr)
def test_a_folder_from_before_a_key_existed_goes_on_where_the_key_is_empty(begun, empty):
    open_folder(begun, config(data__labelled=empty), SIGNATURE)
    kept, _ = read_folder(begun)
    assert kept.data.labelled == empty


@pytest.mark.parametrize("value", [100, 0.5, "mixture", (1, 2), True], ids=repr)
def test_a_folder_from_before_a_key_existed_is_another_run_where_the_key_says_something(begun, value):
    with pytest.raises(Refusal, match=r"belongs to another run: config\.data\.labelled is None there and "):
        open_folder(begun, config(data__labelled=value), SIGNATURE)
    assert "labelled" not in (begun / "config.json").read_text()


def test_a_folder_from_before_a_key_existed_goes_on_where_the_key_is_what_was_built_without_it(begun):
    newer = config(model__widths=(3, 4))
    with pytest.raises(Refusal, match=r"config\.model\.widths is None there and \[3, 4\] here"):
        open_folder(begun, newer, SIGNATURE, lambda: {"model.widths": (3, 5)})
    open_folder(begun, newer, SIGNATURE, lambda: {"model.widths": (3, 4)})


def test_a_key_that_is_empty_now_and_said_something_before_is_another_run(begun):
    with pytest.raises(Refusal, match=r"config\.model\.latent is 2 there and 0 here"):
        open_folder(begun, config(model__latent=0), SIGNATURE)


def test_a_key_that_is_gone_is_another_run(begun):
    shorter = config()
    del shorter.model["latent"]
    with pytest.raises(Refusal, match=r"config\.model\.latent is 2 there and None here"):
        open_folder(begun, shorter, SIGNATURE)


def test_a_whole_section_of_empty_keys_may_be_new(begun):
    newer = config(model__terms={"r1": {"weight": 0.0}})
    newer.evaluation = ConfigDict({"sampler": "mixture"})
    open_folder(begun, newer, SIGNATURE)
    with pytest.raises(Refusal, match=r"config\.model\.views\.noise is None there and 0\.1 here; choose another"):
        open_folder(begun, config(model__terms={"r1": {"weight": 0.0}}, model__views={"noise": 0.1}), SIGNATURE)


def test_steps_and_how_often_may_change_and_are_kept(begun):
    open_folder(begun, config(training__steps=20, training__log_every=1, data__data_dir="there"), SIGNATURE)
    kept = read_folder(begun)[0]
    assert (kept.training.steps, kept.training.log_every, kept.data.data_dir) == (20, 1, "there")


def test_what_older_versions_did_not_say_of_the_same_data_changes_nothing(begun):
    open_folder(begun, config(), SIGNATURE | {"range": [0, 65535]})
    assert read_folder(begun)[1]["range"] == [0, 65535]
    with pytest.raises(Refusal, match=r"data\.range is \[0, 65535\] there and \[0, 4095\] here"):
        open_folder(begun, config(), SIGNATURE | {"range": [0, 4095]})


def test_other_data_are_another_run_and_all_that_differs_is_named(begun):
    with pytest.raises(
        Refusal, match=r"data\.counts\.labelled is None there and 4 here, data\.digest is d there and e"
    ):
        open_folder(begun, config(), {**SIGNATURE, "digest": "e", "counts": {**SIGNATURE["counts"], "labelled": 4}})


def test_until_the_first_checkpoint_everything_may_change(tmp_path):
    open_folder(tmp_path, config(), SIGNATURE)
    open_folder(tmp_path, config(model__latent=3), {**SIGNATURE, "digest": "e"})
    kept, signature = read_folder(tmp_path)
    assert (kept.model.latent, signature["digest"]) == (3, "e")


def test_lists_come_back_as_the_tuples_that_they_were(tmp_path):
    open_folder(tmp_path, config(model__widths=(1, 2)), SIGNATURE)
    assert read_folder(tmp_path)[0].model.widths == (1, 2)


@pytest.mark.parametrize("name", ["config.json", "data.json"])
def test_a_folder_that_lost_a_file_does_not_go_on(begun, name):
    (begun / name).write_text("{")
    with pytest.raises(Refusal, match=f"{name} is missing or damaged"):
        open_folder(begun, config(), SIGNATURE)
    (begun / name).unlink()
    with pytest.raises(Refusal, match=r"holds checkpoints and no config|data\.json is missing or damaged"):
        open_folder(begun, config(), SIGNATURE)


def test_a_folder_says_with_which_versions_it_was_made(begun):
    assert {"gengen", "jax", "numpy", "python"} <= json.loads((begun / "versions.json").read_text()).keys()


@pytest.mark.input("Environment", "a file system without locks", "guessed", "a line asks to train there once at a time")
@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP], ids=errno.errorcode.get)
def test_a_file_system_without_locks_goes_on_and_says_so(monkeypatch, capsys, tmp_path, number):
    def flock(file, operation):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", flock)
    with held(tmp_path / "run"):
        pass
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"gengen: {tmp_path / 'run'} cannot be locked ({os.strerror(number)})")


@pytest.mark.input("Run folders", "a `config.json` that is a list, empty or no JSON", "refused", "in every mode")
@pytest.mark.input("Run folders", "a `data.json` that is a list, empty or no JSON", "refused", "in every mode")
@pytest.mark.parametrize("content", ["[]", "{}", "[1]", "null", "3", '"a"', "", "{", "\xff"])
@pytest.mark.parametrize("name", ["config.json", "data.json"])
def test_files_that_are_no_object_are_damaged(begun, name, content):
    (begun / name).write_bytes(content.encode("latin-1"))
    with pytest.raises(Refusal, match=rf"{name} is missing or damaged \(.+\), so this run cannot go on"):
        read_folder(begun)
    with pytest.raises(Refusal, match=f"{name} is missing or damaged"):
        open_folder(begun, config(), SIGNATURE)


@pytest.mark.parametrize("section", [None, 3, "gan", [1], True])
def test_a_section_that_is_none_is_damaged(begun, section):
    (begun / "config.json").write_text(json.dumps({"model": section}))
    with pytest.raises(Refusal, match=r"config\.json is missing or damaged \(model is no section of a config\)"):
        read_folder(begun)


WHOLE = {
    **{"data": {"name": "x"}, "model": {"name": "gan"}, "networks": {"critic": {"name": "mlp"}}},
    **{
        "optimizers": {"critic": {"name": "sgd"}},
        "training": dict.fromkeys(("steps", "batch_size", "seed", "average"), 1),
    },
}


@pytest.mark.input("Run folders", "a `config.json` without a section or a name", "refused", "says which is missing")
@pytest.mark.parametrize("gone", [*WHOLE, "data.name", "model.name", "training.seed", "training.average"])
def test_what_every_version_wrote_must_be_there(tmp_path, gone):
    check_config(tmp_path, ConfigDict(WHOLE))
    section, _, key = gone.partition(".")
    kept = {name: {k: v for k, v in entries.items() if (name, k) != (section, key)} for name, entries in WHOLE.items()}
    if not key:
        del kept[section]
    with pytest.raises(Refusal, match=rf"config\.json is missing or damaged \(it has no {gone}"):
        check_config(tmp_path, ConfigDict(kept))


@pytest.mark.parametrize("bad", [3, {}, {"widths": 2}])
@pytest.mark.parametrize("section", ["networks", "optimizers"])
def test_every_network_and_optimizer_must_have_a_name(tmp_path, section, bad):
    with pytest.raises(Refusal, match=rf"\({section}\.critic has no name\)"):
        check_config(tmp_path, ConfigDict({**WHOLE, section: {"critic": bad}}))
