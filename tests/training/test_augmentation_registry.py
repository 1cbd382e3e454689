"""Every kind of augmentation is found by its file, and published draws do not change."""

import hashlib
from pathlib import Path

import pytest
import torch

from mnistlab import Recipe, load_dataset
from mnistlab.training import augmentations
from mnistlab.training.augmentations import augment, draw_augmentation, without_native_kernel
from mnistlab.training.trainer import Trainer
from tests.training.test_augmentation import SHAPE, random_images

EVERYTHING = Recipe(
    rotation=9.0,
    translation=1.0,
    scale=0.1,
    shear=5.0,
    elastic=1.0,
    erasing=0.5,
    noise=0.3,
    inversion=0.2,
    filtering=0.3,
    blur=(0.1, 1.0),
)
SINCE = {
    "flip_horizontal": 0.5,
    "flip_vertical": 0.5,
    "crop": 3,
    "colour_jitter": 0.4,
    "cutout": 7,
    "mixup": 0.4,
    "cutmix": 1.0,
}
MIRROR = """
from mnistlab.training.augmentations import Augmentation

AUGMENTATION = Augmentation(
    name="mirror",
    fields=("inversion",),
    apply_order=15,
    tensors=("mirrored",),
    draw=lambda recipe, sampler: {"mirrored": sampler.uniform(0, 1) < recipe.inversion},
    apply=lambda images, params: images.flip(3).where(
        params["mirrored"].view(-1, 1, 1, 1), images
    ),
)
"""


@pytest.fixture
def mirror(tmp_path, monkeypatch):
    (tmp_path / "mirror.py").write_text(MIRROR)
    monkeypatch.setattr(augmentations, "__path__", [*augmentations.__path__, str(tmp_path)])
    augmentations.augmentations.cache_clear()
    yield
    augmentations.augmentations.cache_clear()


def test_every_augmentation_field_of_a_recipe_belongs_to_one_kind():
    marked = {
        name
        for name, field in Recipe.model_fields.items()
        if any(getattr(mark, "name", "") == "augmentation" for mark in field.metadata)
    }
    fields = [field for kind in augmentations.augmentations() for field in kind.fields]
    assert sorted(fields) == sorted(marked)


def test_draws_are_those_of_the_published_records():
    """The digest is of the version that trained results/; another one makes no run repeatable."""
    published = draw_augmentation(EVERYTHING, 50, SHAPE, torch.Generator().manual_seed(7))
    # What was added since then has generators of its own.
    more = EVERYTHING.replace(**SINCE)
    for recipe in (EVERYTHING, more):
        drawn = draw_augmentation(recipe, 50, SHAPE, torch.Generator().manual_seed(7))
        digest = hashlib.sha256()
        for name in sorted(published):
            digest.update(name.encode() + drawn[name].numpy().tobytes())
        assert digest.hexdigest()[:16] == "8dc3472ace131453"
    assert {kind.name for kind in augmentations.augmentations() if kind.is_on(more)} >= set(SINCE)
    assert without_native_kernel(more) == []


def test_no_file_but_its_own_and_the_recipes_names_a_kind():
    package = Path(augmentations.__path__[0])
    lists = [package / "__init__.py", package / "registry.py", package.parent / "torch_backend.py"]
    for name in SINCE:
        assert (package / f"{name}.py").is_file()
        assert not any(name in path.read_text() for path in lists)


def test_a_file_is_all_that_a_new_kind_needs(mirror):
    images = random_images(200)
    drawn = draw_augmentation(
        Recipe(inversion=0.5), 200, (1, 9, 9), torch.Generator().manual_seed(1)
    )
    turned = drawn["inversions"].view(-1, 1, 1, 1)
    expected = images.flip(3).where(drawn["mirrored"].view(-1, 1, 1, 1), images)
    assert 60 < drawn["mirrored"].sum() < 140
    torch.testing.assert_close(augment(images, drawn), turned + (1 - 2 * turned) * expected)
    # It does not change what the others draw.
    augmentations.augmentations.cache_clear()
    augmentations.__path__.pop()
    alone = draw_augmentation(
        Recipe(inversion=0.5), 200, (1, 9, 9), torch.Generator().manual_seed(1)
    )
    assert torch.equal(alone["inversions"], drawn["inversions"])


def test_a_kind_without_a_native_kernel_is_trained_in_pytorch(mirror, few):
    recipe = Recipe(data=str(few), inversion=0.5, epochs=1)
    assert without_native_kernel(recipe) == ["mirror"]
    assert without_native_kernel(EVERYTHING.replace(inversion=0.0)) == []
    backend = Trainer(recipe, load_dataset(str(few)), 0, torch.device("cpu")).backend
    assert (backend.kernels, backend.reason) == (
        "torch",
        "augmentation mirror has no native kernel",
    )
