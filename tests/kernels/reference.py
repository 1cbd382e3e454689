"""The reference that plans are compared with: the same steps in PyTorch, float64 or float32."""

import copy

import numpy as np
import torch
from torch import nn
from torch.nn import functional

import mnistlab.kernels
from mnistlab.kernels import AugmentationParams, EpochBatches, Plan

MEAN, STD = 0.4, 0.3


def random_batches(count, shape, classes, batch=None, *, seed=0, rate=0.1, augmentation=None):
    """Batches of noise, where near ties in pooling are improbable; a single one by default."""
    random = torch.Generator().manual_seed(seed)
    bounds = torch.tensor([*range(0, count, batch or count), count])
    batches = len(bounds) - 1
    return EpochBatches(
        images=torch.randint(0, 256, (count, *shape), dtype=torch.uint8, generator=random),
        labels=torch.randint(0, classes, (count,), generator=random),
        order=torch.randperm(count, generator=random),
        bounds=bounds,
        augmentation=augmentation or AugmentationParams(),
        rates=rate * torch.linspace(0.5, 1.5, batches, dtype=torch.float64),
        dropout_seeds=torch.randint(0, 2**62, (batches,), generator=random),
        losses=torch.zeros(batches),
        correct=torch.zeros(batches, dtype=torch.int32),
    )


def make_plan(model, shape, classes):
    return Plan(model, shape, classes, mean=MEAN, std=STD)


def make_checked_plan(model, shape, classes):
    """A plan as training makes it: compared with PyTorch before it is used."""
    return mnistlab.kernels.make_plan(model, shape, classes, mean=MEAN, std=STD)


def batch_of(batches, number, dtype=torch.float64):
    """Normalised pixels and labels of a batch."""
    start, stop = batches.bounds[number : number + 2].tolist()
    chosen = batches.order[start:stop]
    return pixels(batches.images[chosen], dtype), batches.labels[chosen]


def pixels(images, dtype=torch.float64):
    return (images.to(dtype) / 255 - MEAN) / STD


def twin_of(model, dtype=torch.float64):
    return copy.deepcopy(model).to(dtype)


def randomise(model, seed=0):
    """Set weights and running averages to other values than initial ones."""
    random = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
                for tensor in (module.weight, module.bias, module.running_mean, module.running_var):
                    if tensor is not None:
                        tensor.uniform_(0.5, 1.5, generator=random)
            elif isinstance(module, nn.Conv2d | nn.Linear):
                for tensor in (module.weight, module.bias):
                    if tensor is not None:
                        tensor.uniform_(-1, 1, generator=random).mul_(
                            module.weight[0].numel() ** -0.5
                        )
    return model


def differentiate(model, images, labels, smoothing=0.0):
    """Return the loss, the number of correct images, and the gradients, which may be ``None``."""
    model.zero_grad()
    logits = model(images)
    loss = functional.cross_entropy(logits, labels, label_smoothing=smoothing)
    loss.backward()
    return (
        loss.item(),
        (logits.argmax(1) == labels).sum().item(),
        [p.grad for p in model.parameters()],
    )


def train_in_pytorch(model, batches, optimizer, averages=(), decay=0.0, smoothing=0.0):
    """Train in PyTorch, in the model's dtype, on all batches; return their losses."""
    losses = []
    for number, rate in enumerate(batches.rates.tolist()):
        for group in optimizer.param_groups:
            group["lr"] = rate
        images, labels = batch_of(batches, number, next(model.parameters()).dtype)
        losses.append(differentiate(model, images, labels, smoothing)[0])
        optimizer.step()
        with torch.no_grad():
            for average, parameter in zip(averages, model.parameters()):
                average.mul_(decay).add_(parameter, alpha=1 - decay)
    return losses


def philox(seed, *counter):
    """Philox4x32-10 (Salmon et al., 2011) on arrays: four words of 32 bits, held in uint64."""
    low = np.uint64(0xFFFFFFFF)
    half = np.uint64(32)
    c = [
        word & low
        for word in np.broadcast_arrays(*(np.asarray(word, dtype=np.uint64) for word in counter))
    ]
    keys = [seed & 0xFFFFFFFF, seed >> 32]
    for _ in range(10):
        first, second = c[0] * np.uint64(0xD2511F53), c[2] * np.uint64(0xCD9E8D57)
        key0, key1 = np.uint64(keys[0]), np.uint64(keys[1])
        c = [
            (second >> half) ^ c[1] ^ key0,
            second & low,
            (first >> half) ^ c[3] ^ key1,
            first & low,
        ]
        keys = [(keys[0] + 0x9E3779B9) & 0xFFFFFFFF, (keys[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return c


def dropout_factors(seed, layer, count, size, share):
    """Return dropout's factors, float64 ``(count, size)``, as ``source/tile.h`` defines them."""
    index = np.arange(size)
    words = np.stack(philox(seed, index // 4, np.arange(count)[:, None], layer, 0))
    drawn = np.take_along_axis(words, np.broadcast_to(index % 4, (1, count, size)), axis=0)[0]
    share = float(np.float32(share))
    return torch.from_numpy(np.where(drawn < share * 2**32, 0.0, 1 / (1 - share)))
