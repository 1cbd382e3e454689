"""Mixed images and labels in a plan, compared with both labels' losses in float64."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from mnistlab.kernels import AugmentationParams
from tests.kernels.reference import make_plan, pixels, random_batches, randomise, twin_of
from tests.kernels.test_training import CLASSES, SHAPE, network, start

COUNT, BATCH = 90, 37


def mixed_batches(kind, seed=0):
    """Three batches; the partners of each are its images in reverse."""
    random = torch.Generator().manual_seed(seed)
    offsets, shares, boxes = [], [], []
    for first in range(0, COUNT, BATCH):
        size = min(BATCH, COUNT - first)
        offsets.append(size - 1 - 2 * torch.arange(size))
        corners = torch.randint(0, 4, (size, 2), generator=random)
        sides = torch.randint(0, 5, (size, 2), generator=random)
        boxes.append(torch.cat([corners, sides], dim=1))
        shares.append(torch.rand(size, generator=random))
    params = {f"{kind}_partners": torch.cat(offsets).to(torch.int32)}
    if kind == "cutmix":
        params["cutmix_boxes"] = torch.cat(boxes).to(torch.int32)
        areas = params["cutmix_boxes"][:, 2:].prod(dim=1)
        params["cutmix_shares"] = 1 - areas / (SHAPE[1] * SHAPE[2])
    else:
        params["mixup_shares"] = torch.cat(shares)
    return random_batches(
        COUNT, SHAPE, CLASSES, BATCH, seed=3, augmentation=AugmentationParams(params)
    )


def mixed(batches, number, kind):
    """The images of a batch in float64, their labels, their partners' labels, and their shares."""
    start, stop = batches.bounds[number : number + 2].tolist()
    chosen, params = batches.order[start:stop], batches.augmentation
    partners = batches.order[torch.arange(start, stop) + params[f"{kind}_partners"][start:stop]]
    shares = params[f"{kind}_shares"][start:stop].double()
    images, others = pixels(batches.images[chosen]), pixels(batches.images[partners])
    if kind == "mixup":
        own = shares.view(-1, 1, 1, 1)
        images = own * images + (1 - own) * others
    else:
        for image, box in enumerate(params["cutmix_boxes"][start:stop].tolist()):
            top, left, height, width = box
            part = (image, slice(None), slice(top, top + height), slice(left, left + width))
            images[part] = others[part]
    return images, batches.labels[chosen], batches.labels[partners], shares


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("kind", ["mixup", "cutmix"])
@pytest.mark.parametrize("number", [0, 2])
def test_losses_and_gradients_are_those_of_both_labels_by_their_shares(kind, smoothing, number):
    model = network(norm=True)
    wide = twin_of(model)
    batches = mixed_batches(kind)
    images, labels, others, shares = mixed(batches, number, kind)
    logits = wide(images)
    mine, theirs = (
        functional.cross_entropy(logits, chosen, reduction="none", label_smoothing=smoothing)
        for chosen in (labels, others)
    )
    loss = (shares * mine + (1 - shares) * theirs).mean()
    loss.backward()
    plan = make_plan(model, SHAPE, CLASSES)
    plan.train(batches, number, number + 1, None, smoothing=smoothing)
    assert batches.losses[number].item() == pytest.approx(loss.item(), abs=2e-6)
    leading = torch.where(shares < 0.5, others, labels)
    assert batches.correct[number].item() == (logits.argmax(1) == leading).sum()
    for ours, exact in zip(model.parameters(), wide.parameters(), strict=True):
        torch.testing.assert_close(ours.grad.double(), exact.grad, atol=1e-6, rtol=0)


def test_a_partner_whose_share_is_nothing_leaves_the_loss_as_it_was():
    """Even if its class is impossible, which multiplied by zero would be no number."""
    model = randomise(nn.Sequential(nn.Flatten(), nn.Linear(4, 2)))
    with torch.no_grad():
        model[1].weight.zero_()
        model[1].bias.copy_(torch.tensor([0.0, -torch.inf]))
    params = {
        "mixup_partners": torch.tensor([1, -1], dtype=torch.int32),
        "mixup_shares": torch.ones(2),
    }
    batches = random_batches(2, (1, 2, 2), 2, augmentation=AugmentationParams(params))
    batches.labels[batches.order] = torch.tensor([0, 1])
    make_plan(model, (1, 2, 2), 2).train(batches, 0, 1, None)
    assert batches.losses.tolist() == [torch.inf]
    batches.labels.zero_()
    make_plan(model, (1, 2, 2), 2).train(batches, 0, 1, None)
    assert batches.losses.tolist() == [0]


@pytest.mark.parametrize("kind", ["mixup", "cutmix"])
def test_the_same_bits_on_any_threads_and_in_calls_of_any_length(kind):
    def outcome(threads, step):
        model = network()
        optimiser = start(model, "momentum")
        batches = mixed_batches(kind)
        plan = make_plan(model, SHAPE, CLASSES)
        for first in range(0, 3, step):
            plan.train(batches, first, first + step, optimiser, threads=threads)
        parts = [*model.parameters(), batches.losses, batches.correct]
        return torch.cat([part.detach().double().flatten() for part in parts])

    expected = outcome(1, 3)
    assert expected.isfinite().all()
    for threads, step in ((1, 1), (2, 3), (2, 1), (3, 3)):
        assert torch.equal(outcome(threads, step), expected)
