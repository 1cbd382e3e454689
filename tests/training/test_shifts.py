"""Test-time augmentation by shifts, compared with shifting images by hand."""

import numpy as np
import pytest
import torch
from scipy.ndimage import shift
from scipy.special import softmax

from mnistlab import Recipe, RunFolder, train
from mnistlab.training import load_trained

RECIPE = Recipe(model="mlp", epochs=2, batch_size=60, shifts=1)


@pytest.mark.parametrize("kernels", ["auto", "torch"])
@pytest.mark.parametrize("fit", ["pad", "resize"])
def test_probabilities_are_averaged_over_the_nine_copies(small_mnist, tmp_path, kernels, fit):
    recipe = RECIPE.replace(fit=fit)
    moved = train(recipe, small_mnist, folder=tmp_path / "moved", kernels=kernels)
    once = train(recipe.replace(shifts=0), small_mnist, kernels=kernels)
    for name, value in once.model.state_dict().items():
        assert torch.equal(value, moved.model.state_dict()[name])
    images, labels = small_mnist.test.images, small_mnist.test.labels
    copies = [
        np.stack([shift(image, (0, y, x), order=0) for image in images])
        for y in (-1, 0, 1)
        for x in (-1, 0, 1)
    ]
    mean = np.mean(
        [softmax(once.logits(copy).astype(np.float64), axis=1) for copy in copies], axis=0
    )
    np.testing.assert_allclose(np.exp(moved.test_logits), mean, atol=1e-5)
    final = moved.record.final
    assert final.test_accuracy == (moved.test_logits.argmax(axis=1) == labels).mean()
    assert final.test_loss == pytest.approx(
        -np.log(mean[range(len(labels)), labels]).mean(), abs=1e-5
    )
    assert final.test_errors == len(moved.record.predictions.mistakes)
    read = load_trained(RunFolder(tmp_path / "moved"))
    np.testing.assert_allclose(read.logits(images), moved.test_logits, atol=1e-5)
    np.testing.assert_allclose(read.single_view_logits(images), once.test_logits, atol=1e-5)


def test_every_epochs_test_is_of_the_copies(small_mnist):
    moved, once = (train(RECIPE.replace(shifts=shifts), small_mnist) for shifts in (1, 0))
    for ours, theirs in zip(moved.record.history, once.record.history, strict=True):
        assert ours.train_loss == theirs.train_loss
        assert ours.test_loss != theirs.test_loss
