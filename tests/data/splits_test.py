import numpy as np
import pytest

from gengen.data.splits import every, held_out, rule_of


def names(count):
    return [f"{place:05d}.png".encode() for place in range(count)]


def test_what_alternates_is_split_alike():
    for period in (2, 3, 5, 10):
        kinds = np.arange(3000) % period
        chosen = held_out(names(3000), 0.1)
        assert chosen.sum() == 300
        shares = np.bincount(kinds[chosen], minlength=period) / 300
        np.testing.assert_allclose(shares, 1 / period, atol=4 * (1 / period * (1 - 1 / period) / 300) ** 0.5)


def test_each_class_gives_its_share_and_the_total_is_rounded():
    labels = np.repeat([0, 1, 2], [57, 23, 120])
    chosen = held_out(names(200), 0.1, labels)
    assert chosen.sum() == 20
    assert np.bincount(labels[chosen]).tolist() == [6, 2, 12]


def test_every_class_keeps_a_picture_for_training():
    labels = np.array([3, 0, 0, 1, 2, 2])
    for share in (0.1, 0.5, 0.99):
        chosen = held_out(names(6), share, labels)
        assert chosen.any()
        assert set(labels[~chosen]) == {0, 1, 2, 3}
    assert held_out(names(2), 0.01).sum() == held_out(names(2), 0.99).sum() == 1
    assert not held_out(names(1), 0.5).any()


def test_neither_order_nor_other_classes_move_an_example():
    keys, labels = names(400), np.repeat([0, 1], 200)
    chosen = {key for key, out in zip(keys, held_out(keys, 0.1, labels), strict=True) if out}
    order = np.random.default_rng(0).permutation(400)
    turned = held_out([keys[place] for place in order], 0.1, labels[order])
    assert {keys[place] for place in order[turned]} == chosen
    alone = held_out(keys[:200], 0.1)
    first = {key for key in chosen if key < keys[200]}
    assert {key for key, out in zip(keys[:200], alone, strict=True) if out} == first


def test_the_older_rule_goes_by_position():
    assert np.flatnonzero(every(10, 4)).tolist() == [0, 4, 8]
    assert np.flatnonzero(every(10, 4, 3)).tolist() == [3, 7]


@pytest.mark.parametrize(
    ("signature", "rule"),
    [
        ({"name": "digits"}, "position"),
        ({"name": "digits", "second": None}, "position"),
        ({"split": "position"}, "position"),
        ({"split": "hash"}, "hash"),
        ({"split": "own", "second": None}, "hash"),
        ({"split": "own", "second": {"split": "hash"}}, "hash"),
        ({"split": "own", "second": {"name": "glyphs"}}, "position"),
    ],
)
def test_a_run_is_loaded_by_the_rule_that_it_was_begun_with(signature, rule):
    assert rule_of(signature) == rule


@pytest.mark.parametrize("share", [0, 1, -0.1, 1.5])
def test_a_share_that_leaves_nothing_is_refused(share):
    with pytest.raises(ValueError, match="between 0 and 1"):
        held_out(names(10), share)
