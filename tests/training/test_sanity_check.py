"""User models that fail only in training."""

import pytest

from mnistlab import RunFolder, built_in, train
from mnistlab.errors import ModelError, TrainingError
from tests.reliability.kinds import tiny_dataset

NET = """
from torch import nn

class Net(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.linear, self.norm, self.calls = nn.Linear(1024, classes), nn.BatchNorm1d(1024), 0
    def forward(self, images):
        self.calls += 1
        {check}
        return self.linear(self.norm(images.flatten(1)) if {norm} else images.flatten(1))

def build(image_shape, classes):
    return Net(classes)
"""


@pytest.fixture
def recipe(tmp_path):
    def write(check="pass", norm=False, **changes):
        (tmp_path / "net.py").write_text(NET.format(check=check, norm=norm), encoding="utf-8")
        return built_in("mlp").replace(
            model=f"{tmp_path / 'net.py'}:build", epochs=3, batch_size=4, **changes
        )

    return write


FAIL = 'raise ValueError("not\\nthis")'


def test_one_that_raises_only_in_training_is_refused_before(recipe, tmp_path):
    with pytest.raises(
        ModelError,
        match=r"net\.py:build: cannot be trained on a batch of .*: ValueError: not this$",
    ):
        train(
            recipe(f"if self.training: {FAIL}"),
            tiny_dataset(),
            folder=tmp_path / "run",
            kernels="torch",
        )
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("kernels", ["auto", "torch"])
def test_one_that_cannot_take_a_batch_of_one_is_refused_with_the_remedy(recipe, kernels):
    for own in (recipe(norm=True), recipe(f"if len(images) == 1 and self.training: {FAIL}")):
        with pytest.raises(
            ModelError,
            match=r"on a batch of one image: ValueError.*set batch_size to at least 2",
        ):
            train(own.replace(batch_size=1), tiny_dataset(), kernels=kernels)


def test_one_that_raises_later_is_named_and_its_run_kept(recipe, tmp_path):
    folder = RunFolder(tmp_path / "run")
    own = recipe(f"if self.training and self.calls > 7: {FAIL}")
    with pytest.raises(
        TrainingError,
        match=r"net\.py:build: failed in epoch 2, batch \d+ of \d+: ValueError: not this"
        r" \(line 10 of net\.py\); .*",
    ):
        train(own, tiny_dataset(), folder=folder.path, kernels="torch")
    assert folder.begun


def test_one_that_raises_in_the_test_is_named(recipe):
    own = recipe(f"if not self.training and self.calls > 2: {FAIL}")
    with pytest.raises(
        TrainingError, match=r"net\.py:build: failed in the test after epoch 1: ValueError"
    ):
        train(own, tiny_dataset(), kernels="torch")


def test_what_the_trial_leaves_is_what_it_found(recipe):
    """A model that counts its calls counts those of training, not those of the checks before."""
    trained = train(recipe(norm=True), tiny_dataset(), kernels="torch")
    batches = 3 * -(-trained.record.data.train_images // 4)
    assert trained.model.norm.num_batches_tracked.item() == batches
