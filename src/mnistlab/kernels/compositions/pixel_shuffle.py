"""Shuffles of pixels and of channels: permutations."""

from dataclasses import replace

import torch

from mnistlab.kernels.graph import Graph, Value
from mnistlab.kernels.operations.permute import permuted
from mnistlab.kernels.registry import lowers
from mnistlab.kernels.windows import images


@lowers(torch.pixel_shuffle)
def pixel_shuffle(graph: Graph, input: Value, upscale_factor: int) -> Value:
    channels, height, width = images(input).shape
    factor = upscale_factor
    channels //= factor**2
    split = replace(input, shape=(channels, factor, factor, height, width))
    shuffled = permuted(graph, split, (0, 1, 4, 2, 5, 3))
    return replace(shuffled, shape=(channels, height * factor, width * factor))


@lowers(torch.pixel_unshuffle)
def pixel_unshuffle(graph: Graph, input: Value, downscale_factor: int) -> Value:
    channels, height, width = images(input).shape
    factor = downscale_factor
    height, width = height // factor, width // factor
    split = replace(input, shape=(channels, height, factor, width, factor))
    shuffled = permuted(graph, split, (0, 1, 3, 5, 2, 4))
    return replace(shuffled, shape=(channels * factor**2, height, width))


@lowers(torch.channel_shuffle)
def channel_shuffle(graph: Graph, input: Value, groups: int) -> Value:
    channels, *sizes = images(input).shape
    split = replace(input, shape=(groups, channels // groups, *sizes))
    return replace(permuted(graph, split, (0, 2, 1, 3, 4)), shape=input.shape)
