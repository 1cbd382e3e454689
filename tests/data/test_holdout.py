"""Hold-outs and folds: what is promised of every draw, and hand-worked ones."""

import doctest
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mnistlab.data import holdout
from mnistlab.data.holdout import folds, group_of, grouped, stratified
from mnistlab.errors import DataError

# Rare, common and absent classes, in no order.
LABELS = st.lists(st.sampled_from([0, 0, 0, 0, 1, 1, 2, 3, 7]), min_size=2, max_size=120).map(
    lambda labels: np.array(labels, np.int64)
)
SEEDS = st.integers(0, 2**32 - 1)


def rng(seed=0):
    return np.random.default_rng(seed)


def rest(indices, labels):
    return np.setdiff1d(np.arange(len(labels)), indices)


@settings(deadline=None, max_examples=50)
@given(LABELS, st.floats(0.01, 0.99), SEEDS)
def test_every_class_is_on_both_sides_in_its_share(labels, share, seed):
    counts = Counter(labels.tolist())
    if max(counts.values()) < 2:
        with pytest.raises(DataError, match="no class has two images"):
            stratified(labels, share, rng(seed))
        return
    held = stratified(labels, share, rng(seed))
    assert held.tolist() == sorted(set(held.tolist()))
    taken = Counter(labels[held].tolist())
    wanted = min(max(round(share * len(labels)), 1), len(labels) - 1)
    for label, count in counts.items():
        assert min(1, count - 1) <= taken[label] <= count - 1
    # As many as asked for, unless the classes' least or most stand against it.
    least = sum(min(1, count - 1) for count in counts.values())
    most = sum(count - 1 for count in counts.values())
    assert len(held) == min(max(wanted, least), most)
    if min(counts.values()) >= 4 / min(share, 1 - share):
        for label, count in counts.items():
            assert abs(taken[label] - wanted * count / len(labels)) < 1


def test_the_examples_give_what_they_say():
    assert doctest.testmod(holdout) == (0, 8)


def test_a_seventh_of_a_rare_class_is_held_out_too():
    labels = np.array([0] * 200 + [1] * 8)
    held = stratified(labels, 1 / 7, rng())
    assert Counter(labels[held].tolist()) == {0: 29, 1: 1}
    assert Counter(labels[stratified(labels, 30, rng())].tolist()) == {0: 29, 1: 1}


def test_a_draw_depends_on_the_generator_alone():
    labels = np.arange(300) % 3
    one, same, other = (stratified(labels, 30, rng(seed)) for seed in (1, 1, 2))
    assert one.tolist() == same.tolist() != other.tolist()
    parts = [folds(labels, 3, rng(seed), groups=labels)[0].tolist() for seed in (4, 4)]
    assert parts[0] == parts[1]


def test_every_image_of_a_class_is_as_likely():
    labels = np.array([0] * 6 + [1] * 2)
    drawn = Counter()
    for seed in range(600):
        drawn.update(stratified(labels, 3, rng(seed)).tolist())
    assert all(150 < drawn[index] < 250 for index in range(6))
    assert all(240 < drawn[index] < 360 for index in (6, 7))


@pytest.mark.parametrize("size", [0, 5, -1, 6, 0.0, 1.0, 1.5])
def test_a_size_out_of_range_is_refused(size):
    for draw in (
        lambda labels: stratified(labels, size, rng()),
        lambda labels: grouped(np.arange(5), labels, size, rng()),
    ):
        with pytest.raises(DataError, match=r"cannot hold out .* of 5 images"):
            draw(np.zeros(5, np.int64))


@settings(deadline=None, max_examples=50)
@given(LABELS, st.integers(2, 8), SEEDS)
def test_folds_are_a_partition_with_each_class_spread_evenly(labels, k, seed):
    if k > len(labels):
        with pytest.raises(DataError, match="cannot be divided"):
            folds(labels, k, rng(seed))
        return
    parts = folds(labels, k, rng(seed))
    assert np.sort(np.concatenate(parts)).tolist() == list(range(len(labels)))
    sizes = [len(part) for part in parts]
    assert max(sizes) - min(sizes) <= 1
    for label in np.unique(labels):
        counts = [int((labels[part] == label).sum()) for part in parts]
        assert max(counts) - min(counts) <= 1
    assert all(part.tolist() == sorted(part.tolist()) for part in parts)


@settings(deadline=None, max_examples=50)
@given(LABELS, st.integers(2, 5), SEEDS, st.data())
def test_no_group_is_divided(labels, k, seed, data):
    groups = np.array(
        data.draw(st.lists(st.integers(0, 9), min_size=len(labels), max_size=len(labels)))
    )
    names = np.array([f"patient{group}" for group in groups])
    number = len(set(groups.tolist()))
    if number >= k:
        parts = folds(labels, k, rng(seed), groups=names)
        assert np.sort(np.concatenate(parts)).tolist() == list(range(len(labels)))
        assert all(len(part) for part in parts)
        homes = [set(groups[part].tolist()) for part in parts]
        assert sum(map(len, homes)) == number
    else:
        with pytest.raises(DataError, match=r"too few|cannot be divided"):
            folds(labels, k, rng(seed), groups=names)
    if number >= 2:
        held = grouped(groups, labels, 0.3, rng(seed))
        others = rest(held, labels)
        assert len(held)
        assert len(others)
        assert not set(groups[held].tolist()) & set(groups[others].tolist())


@settings(deadline=None, max_examples=20)
@given(SEEDS)
def test_groups_keep_the_classes_shares(seed):
    """A hundred patients with 1 to 20 pictures each, every one of a class or two."""
    draw = rng(seed)
    groups = np.repeat(np.arange(100), draw.integers(1, 21, 100))
    labels = (groups + draw.integers(0, 2, len(groups))) % 4
    held = grouped(groups, labels, 1 / 7, draw)
    assert abs(len(held) / len(labels) - 1 / 7) < 0.03
    for label in range(4):
        assert abs((labels[held] == label).sum() / (labels == label).sum() - 1 / 7) < 0.05
    for part in folds(labels, 5, draw, groups=groups):
        for label in range(4):
            assert abs((labels[part] == label).sum() / (labels == label).sum() - 0.2) < 0.05


def test_a_class_of_two_groups_is_on_both_sides():
    groups = np.array([*"aaaabbbbccccddddeeff"])
    labels = np.array([0] * 16 + [1] * 4)
    for seed in range(20):
        held = grouped(groups, labels, 0.15, rng(seed))
        assert set(labels[held]) == {0, 1}
        assert set(labels[rest(held, labels)]) == {0, 1}


def test_one_group_of_a_class_is_trained_on():
    groups, labels = np.array([*"aaaabbbbcccc"]), np.array([0] * 8 + [1] * 4)
    for seed in range(20):
        held = grouped(groups, labels, 1 / 3, rng(seed))
        assert 0 in labels[held]
        assert 0 in labels[rest(held, labels)]


def test_one_group_in_all_is_refused():
    with pytest.raises(DataError, match="1 group is too few for 2 parts"):
        grouped(["same"] * 6, np.arange(6) % 2, 2, rng())


@pytest.mark.parametrize(
    ("name", "pattern", "group"),
    [
        ("patient12_03.png", "_", "patient12"),
        ("cat_pictures/p1_left_2.png", "_", "p1"),
        ("cat\\p1_2.png", "_", "p1"),
        ("scan-7.tar.png", ".", "scan-7"),
        ("cat (1).png", " (", "cat"),
        ("left/patient12-b.png", r"(patient\d+)", "patient12"),
        ("site4/0001.png", r"^([^/]+)/", "site4"),
        ("사람_1.png", "_", "사람"),
    ],
)
def test_a_name_tells_its_group(name, pattern, group):
    assert group_of(name, pattern) == group


@pytest.mark.parametrize(
    ("name", "pattern", "told"),
    [
        ("0001.png", "_", r"0001\.png: no group found by '_';"),
        ("_1.png", "_", "no group found"),
        ("cat/1.png", "", "by '';"),
        ("cat/1.png", r"(\D+)\d\d", "no group found"),
        ("cat/1.png", r"(x)?cat", "no group found"),
        ("cat/1.png", r"([)", "not a regular expression"),
        ("cat(1).png", r"\(1\)", "in parentheses"),
    ],
)
def test_a_name_without_a_group_is_refused(name, pattern, told):
    with pytest.raises(DataError, match=told):
        group_of(name, pattern)
