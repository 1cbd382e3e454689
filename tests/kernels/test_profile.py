"""Where the time of a training step goes."""

import copy
import doctest

import pytest
import torch
from torch import nn

from mnistlab.kernels import library, measure_profile, profile
from tests.kernels.reference import make_plan, random_batches, randomise

SHAPE, CLASSES, COUNT, BATCH = (2, 16, 16), 4, 512, 128


def model():
    return randomise(
        nn.Sequential(
            *(nn.Conv2d(2, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.Tanh()),
            *(nn.Conv2d(16, 16, 3), nn.Flatten(), nn.Linear(16 * 14 * 14, CLASSES)),
        )
    )


def profiled(network, **options):
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9)
    batches = random_batches(COUNT, SHAPE, CLASSES, BATCH)
    return measure_profile(make_plan(network, SHAPE, CLASSES), batches, optimizer, **options)


def test_each_operation_is_listed_with_its_shapes_and_its_floating_point_operations():
    first, norm, tanh, second, linear = profiled(model()).operations
    # Products of the forward pass, for the gradient of the weights, and of the input.
    assert (first.operation, first.inputs, first.output) == ("convolution", (SHAPE,), (16, 16, 16))
    assert first.flops == 2 * 2 * (2 * 9 * 16) * 16 * 16
    assert (norm.operation, norm.output, norm.flops) == ("batch_norm", (16, 16, 16), 0)
    assert (tanh.operation, tanh.inputs, tanh.output) == ("tanh", ((16, 16, 16),), (16, 16, 16))
    assert (second.output, second.flops) == ((16, 14, 14), 3 * 2 * (16 * 9 * 16) * 14 * 14)
    assert (linear.operation, linear.flops) == ("linear", 3 * 2 * 16 * 14 * 14 * CLASSES)


def test_every_part_that_runs_takes_time_and_only_batch_norm_looks_at_the_batch():
    found = profiled(model())
    for one in found.operations:
        assert one.forward > 0
        assert one.backward > 0
        assert (one.statistics > 0) == (one.gradient_statistics > 0)
        assert (one.statistics > 0) == (one.operation == "batch_norm")
    assert min(found.loading, found.loss, found.optimizer) > 0
    assert found.waiting >= 0


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("rounds", [1, 3])
def test_the_parts_add_up_to_no_more_than_the_threads_had(threads, rounds):
    found = profiled(model(), threads=threads, rounds=rounds)
    assert 0 < found.seconds <= threads * found.wall


def test_the_parts_are_most_of_the_time_of_one_thread():
    # The best of a few: what another process takes between two parts belongs to none of them.
    shares = [found.seconds / found.wall for found in (profiled(model()) for _ in range(5))]
    assert max(shares) > 0.5


def test_a_profiled_step_is_the_step_that_is_taken_without():
    one = model()
    other = copy.deepcopy(one)
    profiled(one)
    optimizer = torch.optim.SGD(other.parameters(), lr=0.1, momentum=0.9)
    make_plan(other, SHAPE, CLASSES).train(
        random_batches(COUNT, SHAPE, CLASSES, BATCH), 0, COUNT // BATCH, optimizer
    )
    for name, tensor in one.state_dict().items():
        assert torch.equal(tensor, other.state_dict()[name])


@pytest.mark.parametrize("module", [profile, library], ids=lambda module: module.__name__)
def test_the_examples_give_what_they_say(module):
    found = doctest.testmod(module)
    assert found.attempted
    assert not found.failed
