"""Anyone's training loop, on the native kernels and on PyTorch, with the same result."""

import copy
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn import functional

from mnistlab.errors import KernelError
from tests.acceleration.loops import (
    WAYS,
    assert_same_gradients,
    assert_same_state,
    images,
    labels,
    network,
    same,
    step,
    twins,
)

pytestmark = [
    pytest.mark.parametrize("way", WAYS),
    # torch.compile looks for gradients where there are none.
    pytest.mark.filterwarnings("ignore:The .grad attribute:UserWarning"),
]


@pytest.mark.parametrize("kind", [torch.optim.SGD, torch.optim.RMSprop])
def test_training_and_evaluation_with_batches_of_any_size(way, kind):
    pair = twins(way)
    optimizers = [kind(model.parameters(), lr=0.01) for model in pair]
    for seed, count in enumerate((5, 5, 40, 3, 17)):
        losses = [
            step(model.train(), optimizer, count, seed)
            for model, optimizer in zip(pair, optimizers, strict=True)
        ]
        assert losses[0] == pytest.approx(losses[1], abs=1e-5)
        with torch.no_grad():
            same(*(model.eval()(images(4)) for model in pair))
    assert_same_state(*pair)


def test_it_runs_on_the_kernels(way):
    fast, _ = twins(way)
    assert fast(images(3)).grad_fn.name() == "_TrainingBackward"
    assert fast.eval()(images(3)).grad_fn.name() == "_EvaluationBackward"


def test_two_forward_passes_before_their_backward_passes(way):
    pair = twins(way)
    for model in pair:
        one, two = model(images(6, 1)), model(images(9, 2))
        one.square().sum().backward()
        two.sin().sum().backward()
    assert_same_gradients(*pair)
    assert_same_state(*pair)


def test_two_backward_passes_of_one_forward_pass(way):
    pair = twins(way)
    for model in pair:
        logits = model(images(6))
        logits.square().sum().backward(retain_graph=True)
        logits.sin().sum().backward()
    assert_same_gradients(*pair)
    assert_same_state(*pair)


def test_weights_changed_before_the_backward_pass_are_refused_as_pytorch_refuses_them(way):
    fast, _ = twins(way)
    loss = fast(images(6)).sum()
    with torch.no_grad():
        next(fast.parameters()).mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def test_gradients_of_gradients_are_refused(way):
    fast, _ = twins(way)
    parameter = next(fast.parameters())
    for mode in (True, False):
        with pytest.raises(KernelError, match="gradients of gradients"):
            torch.autograd.grad(fast.train(mode)(images(6)).sum(), parameter, create_graph=True)


def test_frozen_parameters_have_no_gradients(way):
    model = network()
    model.conv.requires_grad_(False)
    model.last.bias.requires_grad_(False)
    pair = twins(way, model)
    for model in pair:
        model(images(6)).square().sum().backward()
    assert_same_gradients(*pair)


def test_a_parameter_frozen_later(way):
    pair = twins(way)
    for model in pair:
        next(model.parameters()).requires_grad_(False)
        model(images(6)).square().sum().backward()
    assert_same_gradients(*pair)


def test_nothing_to_train_leaves_no_graph(way):
    fast, plain = twins(way)
    for model in (fast, plain):
        model.requires_grad_(False)
    assert not fast(images(6)).requires_grad
    same(fast(images(6)), plain(images(6)))


def test_gradients_of_the_images(way):
    pair, given = twins(way), [images(6).requires_grad_() for _ in range(2)]
    for model, x in zip(pair, given, strict=True):
        model(images(6).requires_grad_())
        model(x).square().sum().backward()
    same(given[0].grad, given[1].grad)


def test_gradients_in_evaluation_mode(way):
    pair, given = twins(way), [images(6).requires_grad_() for _ in range(2)]
    for model, x in zip(pair, given, strict=True):
        model.eval()(images(6).requires_grad_())
        loss = model(x).square().sum()
        model.train()
        loss.backward()
    same(given[0].grad, given[1].grad)
    assert_same_gradients(*pair)
    assert_same_state(*pair)


def test_training_mode_without_gradients_updates_running_averages(way):
    pair = twins(way)
    for model in pair:
        with torch.no_grad():
            assert not model(images(8)).requires_grad
    assert_same_state(*pair)


def test_weights_that_are_loaded_are_used(way):
    pair, other = twins(way), network(seed=3)
    for model in pair:
        step(model, torch.optim.SGD(model.parameters(), lr=0.1), 6)
    fast, plain = pair
    getattr(fast, "_orig_mod", fast).load_state_dict(other.state_dict())
    plain.load_state_dict(other.state_dict())
    same(fast(images(6)), plain(images(6)))


def test_weights_and_images_with_channels_last(way):
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(256, 3))
    torch.compiler.reset()
    plain, fast = copy.deepcopy(model), WAYS[way](model.to(memory_format=torch.channels_last))
    pixels = torch.randn(5, 10, 10, 3).permute(0, 3, 1, 2)
    for _ in range(2):
        for one in (fast, plain):
            one(pixels).square().sum().backward()
    assert_same_gradients(fast, plain)


def test_hooks_on_parameters_see_their_gradients(way):
    pair, seen = twins(way), []
    for model in pair:
        next(model.parameters()).register_hook(
            lambda gradient: seen.append(gradient) or 2 * gradient
        )
        model(images(6)).square().sum().backward()
    same(*seen)
    assert_same_gradients(*pair)


def test_dropout_draws_from_pytorchs_generator(way):
    fast, _ = twins(way, network(0.5))
    results = []
    for seed in (7, 7, 8):
        torch.manual_seed(seed)
        results.append(fast(images(40)).detach())
    assert torch.equal(results[0], results[1])
    assert not torch.equal(results[1], results[2])
    assert not torch.equal(fast(images(40)), fast(images(40)))
    assert torch.equal(fast.eval()(images(9)), fast(images(9)))


def test_another_precision_runs_on_pytorch_and_comes_back(way):
    fast, plain = twins(way)
    for model in (fast, plain):
        model.double()
    with pytest.warns(RuntimeWarning, match="images are float64") as warned:
        found = fast(images(5).double())
    assert Path(warned[0].filename).is_relative_to(Path(__file__).parent)
    same(found, plain(images(5).double()), 1e-12)
    for model in (fast, plain):
        model.float()
    same(fast(images(5)), plain(images(5)))
    assert_same_state(fast, plain)


class Untraceable(nn.Module):
    def __init__(self):
        super().__init__()
        self.last = nn.Linear(100, 3)

    def forward(self, x):
        return self.last(torch.fft.fft2(x).abs().flatten(1))


def test_what_has_no_kernel_runs_on_pytorch_which_is_said_once(way):
    torch.compiler.reset()
    model = Untraceable()
    plain, fast = copy.deepcopy(model), WAYS[way](model)

    def run():
        for one in (fast, plain):
            one(images(5)).square().sum().backward()

    run() if way == "accelerate" else None  # on PyTorch in any case
    with pytest.warns(RuntimeWarning, match=r"PyTorch runs the forward pass: .*fft"):
        run()
    run()
    assert_same_gradients(fast, plain)


class Broken(nn.Module):
    """torch.compile makes two graphs of it."""

    def __init__(self):
        super().__init__()
        self.one, self.two = nn.Linear(100, 20), nn.Linear(20, 3)

    def forward(self, x):
        x = torch.relu(self.one(x.flatten(1)))
        torch._dynamo.graph_break()
        return self.two(x)


def test_a_graph_in_two_parts(way):
    torch.compiler.reset()
    model = Broken()
    plain, fast = copy.deepcopy(model), WAYS[way](model)
    for count in (5, 8):
        for one in (fast, plain):
            functional.cross_entropy(one(images(count)), labels(count)).backward()
    assert_same_gradients(fast, plain)


def test_a_class_token_is_spread_over_the_batch(way):
    torch.compiler.reset()

    class Token(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed, self.last = nn.Linear(10, 6), nn.Linear(6, 3)
            self.token = nn.Parameter(torch.randn(1, 1, 6))

        def forward(self, x):
            batch, _, rows, columns = x.shape
            x = self.embed(x.view(batch, rows, columns))
            x = torch.cat([self.token.expand(batch, -1, -1), x], dim=1)
            return self.last(torch.relu(x).mean(1))

    model = Token()
    plain, fast = copy.deepcopy(model), WAYS[way](model)
    for count in (4, 4, 7):
        for one in (fast, plain):
            functional.cross_entropy(one(images(count)), labels(count)).backward()
    assert_same_gradients(fast, plain)
