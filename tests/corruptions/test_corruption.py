"""mnistlab.corruptions: names and severities, what holds for any images, and what is refused."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy import ndimage

from mnistlab.corruptions import CORRUPTIONS, SEVERITIES, corrupt, generator
from mnistlab.errors import DataError

# In the order of the paper's figure, with the severities of its published images.
PUBLISHED = {
    "shot_noise": 5,
    "impulse_noise": 4,
    "glass_blur": 1,
    "motion_blur": 1,
    "shear": 2,
    "scale": 3,
    "rotate": 2,
    "brightness": 5,
    "translate": 3,
    "stripe": None,
    "fog": 5,
    "spatter": 4,
    "dotted_line": None,
    "zigzag": None,
    "canny_edges": None,
}
SCALED = [name for name, severity in PUBLISHED.items() if severity]
# Each stronger than the one before; the others of MNIST-C's severities differ in kind.
STRONGER = {name: [SEVERITIES] for name in SCALED} | {
    "motion_blur": [(1, 2, 3, 4), (1, 2, 3, 5)],
    "fog": [(1, 2, 3, 5), (1, 2, 4, 5)],
    "spatter": [(1, 2, 3), (4, 5)],
}


def corrupted(images, name, severity=None, seed=0):
    return corrupt(images, name, severity=severity, generator=generator(seed, name))


def test_they_are_the_papers_with_the_severities_that_it_published():
    assert [
        (name, corruption.published_severity) for name, corruption in CORRUPTIONS.items()
    ] == list(PUBLISHED.items())
    assert all(name == corruption.name for name, corruption in CORRUPTIONS.items())


@pytest.mark.parametrize("name", SCALED)
def test_the_published_severity_is_taken_unless_another_is_named(mnist, name):
    images = mnist.test.images[:20]
    plain = corrupted(images, name)
    assert np.array_equal(plain, corrupted(images, name, PUBLISHED[name]))
    others = [severity for severity in SEVERITIES if severity != PUBLISHED[name]]
    assert not any(np.array_equal(plain, corrupted(images, name, severity)) for severity in others)


@pytest.mark.parametrize("name", SCALED)
def test_a_higher_severity_is_further_from_the_clean_images(mnist, name):
    images = mnist.test.images[:150]
    away = {s: np.abs(corrupted(images, name, s).astype(int) - images).mean() for s in SEVERITIES}
    for chain in STRONGER[name]:
        distances = [away[severity] for severity in chain]
        assert distances == sorted(set(distances)), (chain, distances)


@pytest.mark.parametrize("name", PUBLISHED)
def test_an_image_is_corrupted_alike_whatever_else_is(mnist, name, monkeypatch):
    images = mnist.test.images[:60].copy()
    before = images.copy()
    whole = corrupted(images, name)
    assert np.array_equal(images, before)
    assert np.array_equal(corrupted(images[:7], name), whole[:7])
    others = images.copy()
    others[:30] = others[30:]
    assert np.array_equal(corrupted(others, name)[30:], whole[30:])
    monkeypatch.setattr("mnistlab.corruptions.corruption._PIXELS_AT_ONCE", 11 * 28 * 28)
    assert np.array_equal(corrupted(images, name), whole)


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_seed_decides_what_is_random_and_nothing_else(mnist, name):
    images = mnist.test.images[:20]
    state = np.random.get_state()[1].copy()
    first, again, other = (corrupted(images, name, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert np.array_equal(first, other) != CORRUPTIONS[name].random
    assert np.array_equal(np.random.get_state()[1], state)


def test_two_corruptions_of_a_seed_draw_different_numbers():
    drawn = {name: generator(0, name).integers(2**60) for name in PUBLISHED}
    assert len(set(drawn.values())) == len(PUBLISHED)


@given(
    name=st.sampled_from(list(PUBLISHED)),
    shape=st.tuples(st.integers(0, 3), st.integers(2, 44), st.integers(2, 44)),
    severity=st.sampled_from(SEVERITIES),
    seed=st.integers(0, 2**40),
)
@settings(max_examples=60, deadline=None)
def test_any_images_of_any_size_are_corrupted(name, shape, severity, seed):
    images = np.random.default_rng(seed).integers(0, 256, shape, np.uint8)
    found = corrupted(images, name, severity if PUBLISHED[name] else None, seed)
    assert found.shape == shape
    assert found.dtype == np.uint8


@pytest.mark.parametrize("name", PUBLISHED)
@pytest.mark.parametrize("grey", [0, 255])
def test_images_of_one_grey_are_no_trouble(name, grey):
    found = corrupted(np.full((4, 28, 28), grey, np.uint8), name)
    assert found.shape == (4, 28, 28)
    black_stays = (
        "shot_noise",
        "glass_blur",
        "motion_blur",
        "shear",
        "scale",
        "rotate",
        "translate",
        "fog",
        "canny_edges",
    )
    if grey == 0 and name in black_stays:
        assert not found.any()


def test_images_that_lie_otherwise_in_memory_are_corrupted_alike(mnist):
    images = mnist.test.images[:8]
    turned = np.asfortranarray(images)
    for name in PUBLISHED:
        assert np.array_equal(corrupted(images, name), corrupted(turned, name))
        assert np.array_equal(corrupted(images[::2], name), corrupted(images[::2].copy(), name))


@pytest.mark.parametrize("name", PUBLISHED)
def test_grey_images_may_have_a_channel(mnist, name):
    images = mnist.test.images[:20]
    assert images.shape == (20, 1, 28, 28)
    found = corrupted(images, name)
    assert found.shape == images.shape
    assert np.array_equal(found[:, 0], corrupted(np.asarray(images[:, 0]), name))
    assert Image.fromarray(found[0]).size == (28, 28)


def in_colour(count=12):
    random = np.random.default_rng(8)
    rough = random.normal(0, 1, (count, 3, 20, 24))
    soft = ndimage.gaussian_filter(rough, (0, 0, 1.5, 1.5))
    return np.clip(127 + 300 * soft, 0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    "name", sorted(set(PUBLISHED) - {"shot_noise", "impulse_noise", "canny_edges"})
)
def test_all_channels_of_an_image_are_changed_alike(name):
    images = in_colour()
    found = corrupted(images, name)
    for channel in range(3):
        assert np.array_equal(found[:, channel], corrupted(images[:, channel], name))
    assert not np.array_equal(found, images)


@pytest.mark.parametrize("name", ["shot_noise", "impulse_noise"])
def test_each_channel_has_noise_of_its_own(name):
    images = np.full((6, 3, 20, 20), 100, np.uint8)
    found = corrupted(images, name)
    assert np.array_equal(found[:, 0], corrupted(images[:, 0], name))
    for one, other in ((0, 1), (1, 2), (0, 2)):
        together = np.corrcoef(found[:, one].ravel(), found[:, other].ravel())[0, 1]
        assert abs(together) < 5 / np.sqrt(6 * 400)


def test_edges_are_those_of_the_grey_picture():
    images = in_colour()
    grey = [np.asarray(Image.fromarray(image.transpose(1, 2, 0)).convert("L")) for image in images]
    found = corrupted(images, "canny_edges")
    assert found.shape == images.shape
    for channel in range(3):
        assert np.array_equal(found[:, channel], corrupted(np.stack(grey), "canny_edges"))
    assert found.any()


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("fogg", "fogg: no such corruption; did you mean fog?"),
        ("shot noise", "did you mean shot_noise?"),
        ("snow_and_frost", "snow_and_frost: no such corruption; known: shot_noise"),
    ],
)
def test_an_unknown_name_is_refused_with_the_known_ones(name, hint):
    with pytest.raises(DataError) as refused:
        corrupt(np.zeros((1, 28, 28), np.uint8), name, generator=np.random.default_rng(0))
    assert hint in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("severity", [0, 6, -1, 2.5])
@pytest.mark.parametrize("name", SCALED)
def test_severities_are_1_to_5(name, severity):
    with pytest.raises(DataError, match=f"^severity {severity}: {name} has severities 1 to 5$"):
        corrupted(np.zeros((1, 28, 28), np.uint8), name, severity)


@pytest.mark.parametrize("name", [name for name in PUBLISHED if name not in SCALED])
def test_where_there_are_no_severities_none_can_be_chosen(name):
    with pytest.raises(DataError, match=f"^severity 3: {name} has no severities; leave it out$"):
        corrupted(np.zeros((1, 28, 28), np.uint8), name, 3)


@pytest.mark.parametrize(
    ("images", "said"),
    [
        (np.zeros((28, 28), np.uint8), r"images of type uint8 and shape \(28, 28\)"),
        (np.zeros((2, 28, 28, 1), np.uint8), r"shape \(2, 28, 28, 1\)"),
        (np.zeros((2, 2, 28, 28), np.uint8), r"shape \(2, 2, 28, 28\)"),
        (np.zeros((2, 28, 28, 3), np.uint8), r"shape \(2, 28, 28, 3\)"),
        (np.zeros((2, 28, 1), np.uint8), r"shape \(2, 28, 1\).* sides of at least 2"),
        (np.zeros((2, 28, 28), np.float32), "images of type float32"),
        (np.zeros((2, 28, 28), bool), "images of type bool"),
        ([[[0, 0], [0, 0]]], "images of type list"),
    ],
)
def test_other_than_images_of_bytes_are_refused(images, said):
    with pytest.raises(DataError, match=said):
        corrupted(images, "fog")


def test_neither_torch_nor_plots_are_needed():
    heavy = "torch", "matplotlib", "PIL", "statsmodels", "onnxruntime"
    code = (
        f"import sys, mnistlab.corruptions; print([name for name in {heavy!r} if name in"
        " sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"
