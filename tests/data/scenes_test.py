"""Scenes: pictures follow from their places and show what is said; held-out combinations are in no training caption."""

import itertools
import pathlib

import numpy as np
import pytest
from scipy import ndimage

from gengen.core.refusal import Refusal
from gengen.data import scenes
from gengen.data.dataset import load
from gengen.data.grammar import COLOURS, KINDS, RELATIONS, SHAPES, WORDS, Scene, Thing, parsed, scenes_of
from gengen.data.scenes import AREAS, coverage, each_scene, read_scenes
from gengen.data.words import spelled

OPPOSITE = {"above": "below", "below": "above", "left of": "right of", "right of": "left of"}


@pytest.fixture(scope="module")
def test_split() -> tuple[np.ndarray, tuple[str, ...]]:
    return read_scenes("test", 32, 400)


def test_pictures_follow_from_their_places_at_any_size(test_split: tuple[np.ndarray, tuple[str, ...]]) -> None:
    pictures, captions = test_split
    fewer, of_fewer = read_scenes("test", 32, 7)
    np.testing.assert_array_equal(fewer, pictures[:7])
    assert of_fewer == captions[:7]
    large, of_large = read_scenes("test", 64, 20)
    assert of_large == captions[:20] and large.shape == (20, 64, 64, 3)
    reduced = large.reshape(20, 32, 2, 32, 2, 3).mean((2, 4))
    assert np.abs(reduced - pictures[:20]).mean() < 1.0  # of 255: the same scene, and edges alone differ


def test_a_cover_has_the_area_of_its_shape() -> None:
    for shape, area in AREAS.items():
        cover = coverage(shape, 0.45, 0.55, 0.2, 64)
        assert cover.sum() / 64**2 == pytest.approx(area * 0.2**2, rel=0.01)
        assert ((cover > 0) & (cover < 1)).any()  # soft edges


def test_things_lie_apart_and_touch_no_border(
    test_split: tuple[np.ndarray, tuple[str, ...]],
) -> None:
    for picture, caption in zip(*test_split, strict=True):
        scene = parsed(caption)
        assert scene
        ink = picture.max(2) > 50
        assert ndimage.label(ink, np.ones((3, 3)))[1] == len(scene.things) * scene.number
        assert not (ink[[0, -1]].any() or ink[:, [0, -1]].any())


def test_training_sees_no_held_out_combination_and_each_part_of_it(
    test_split: tuple[np.ndarray, tuple[str, ...]],
) -> None:
    train = [parsed(caption) for _, caption in each_scene("train", 8, 3000)]
    pairs, triples = combinations(train)
    held_out = {("circle", "yellow"), ("square", "purple"), ("triangle", "cyan"), ("cross", "red")}
    assert pairs == set(itertools.product(SHAPES, COLOURS)) - held_out
    lies = {
        *((SHAPES[(s + 1) % 4], "above", SHAPES[s]) for s in range(4)),
        *((SHAPES[s], "left of", SHAPES[(s + 1) % 4]) for s in range(4)),
    }
    lies |= {(second, OPPOSITE[relation], first) for first, relation, second in lies}
    assert triples == set(itertools.product(SHAPES, RELATIONS, SHAPES)) - lies
    told = [parsed(caption) for caption in test_split[1]]
    assert [scene.is_seen for scene in told if scene] == [True, False] * 200
    unseen_pairs, unseen_triples = combinations(told[1::2])
    assert held_out <= unseen_pairs and len(lies & unseen_triples) > 12


def test_a_relation_said_the_other_way_round_is_held_out_alike() -> None:
    """Else the picture of a held-out caption would be in training under another one."""
    for scene in [*scenes_of("related", True)[::7], *scenes_of("related", False)[::7]]:
        other = Scene(scene.things[::-1], 1, OPPOSITE[scene.relation])
        assert other.is_seen == scene.is_seen and parsed(other.caption) == other


def test_captions_are_those_of_the_grammar() -> None:
    first = Thing("circle", "red", "small")
    assert Scene((first, Thing("square", "blue")), 1, "above").caption == "a small red circle above a blue square"
    assert Scene((Thing("cross", "green"),), 2).caption == "two green crosses"
    every = [scene.caption for kind in KINDS for seen in (True, False) for scene in scenes_of(kind, seen)]
    assert len(set(every)) == len(every) and parsed("a red blue circle") is None


def test_the_data_set_is_prepared_with_its_texts(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scenes, "COUNTS", {"train": 40, "test": 20})
    data = load(name="scenes", data_dir=tmp_path, resolution=16)
    signature = data.signature
    assert signature.shape == (16, 16, 3) and signature.kind == "picture" and not signature.classes
    assert signature.text and signature.text.words == WORDS
    pictures, captions = read_scenes("test", 16)
    np.testing.assert_array_equal(data.splits["test"]["data"], pictures)
    assert tuple(spelled(text, WORDS) for text in data.splits["test"]["text"]) == captions
    assert set(signature.text.texts) == {caption for _, caption in each_scene("train", 8)}
    again = load(name="scenes", data_dir=tmp_path, resolution=16)
    assert again.signature == signature and again.splits["train"]["text"].dtype == np.int32
    with pytest.raises(Refusal, match="should be one number: scenes are square"):
        load(name="scenes", data_dir=tmp_path, resolution=(16, 32))


def combinations(told: list[Scene | None]) -> tuple[set[tuple[str, str]], set[tuple[str, str, str]]]:
    """The pairs of shape and colour in scenes, and the triples of shape, relation and shape."""
    known = [scene for scene in told if scene]
    pairs = {(thing.shape, thing.colour) for scene in known for thing in scene.things}
    related = [scene for scene in known if scene.relation]
    return pairs, {(scene.things[0].shape, scene.relation, scene.things[1].shape) for scene in related}
