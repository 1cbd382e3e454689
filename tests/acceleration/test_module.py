"""accelerate: a module like the one given."""

import copy
import pickle
import types

import pytest
import torch
from torch import nn

from mnistlab import accelerate
from mnistlab.errors import KernelError
from tests.acceleration.loops import Net, assert_same_state, images, network, same, twins


def test_it_shares_its_tensors_and_is_of_the_same_class():
    model = network()
    fast = accelerate(model)
    assert isinstance(fast, Net)
    assert list(fast.state_dict()) == list(model.state_dict())
    assert all(a is b for a, b in zip(fast.parameters(), model.parameters(), strict=True))
    assert accelerate(fast) is fast


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_a_copy_is_accelerated_with_tensors_of_its_own(copied):
    fast, _ = twins("accelerate")
    other = copied(fast)
    assert_same_state(other, fast)
    assert not any(a is b for a, b in zip(other.parameters(), fast.parameters(), strict=True))
    other(images(3))
    assert other(images(3)).grad_fn.name() == "_TrainingBackward"


def test_a_layer_that_is_replaced_and_a_number_that_is_changed_are_followed():
    fast, plain = twins("accelerate", network(0.5))
    same(fast.eval()(images(4)), plain.eval()(images(4)))
    other = nn.Linear(64, 3)
    fast.last, plain.last = other, other
    for _ in range(2):
        same(fast(images(4)), plain(images(4)))
    for model in (fast, plain):
        model.train()
    fast.drop.p = plain.drop.p = 0.0
    for _ in range(2):
        same(fast(images(4)), plain(images(4)))


def test_a_weight_of_another_shape_and_a_mask_that_is_changed_are_followed():
    ran = []

    class Masked(nn.Module):
        def __init__(self):
            super().__init__()
            self.one, self.two = nn.Linear(100, 8), nn.Linear(8, 3)
            self.register_buffer("mask", torch.zeros(3, dtype=torch.bool))

        def forward(self, x):
            ran.append(len(x))
            return self.two(self.one(x.flatten(1))).masked_fill(self.mask, -1.0)

    model = Masked()
    fast, plain = accelerate(model), model
    for _ in range(2):
        same(fast(images(4)), plain(images(4)))
    model.mask[1] = True
    for _ in range(2):
        same(fast(images(4)), plain(images(4)))
    before = len(ran)
    fast(images(4))
    assert len(ran) == before
    model.one.weight, model.one.bias = (
        nn.Parameter(tensor.detach()[:5].clone()) for tensor in model.one.parameters()
    )
    model.two.weight = nn.Parameter(model.two.weight.detach()[:, :5].clone())
    for _ in range(2):
        same(fast(images(4)), plain(images(4)))


def test_attributes_that_change_all_the_time_keep_it_on_pytorch_which_is_said():
    model = accelerate(nn.Sequential(nn.Flatten(), nn.Linear(100, 3)))

    def run(step):
        model.step = step
        return model(images(3))

    with pytest.warns(RuntimeWarning, match="change from call to call"):
        found = [*map(run, range(30))]
    same(found[0], found[-1])


def test_hooks_of_the_module_run_around_the_plan_and_those_of_a_layer_on_pytorch():
    fast, _ = twins("accelerate")
    seen = []
    fast.register_forward_hook(lambda module, args, output: seen.append(output))
    assert fast(images(4)) is seen[0]
    fast.conv.register_forward_hook(lambda module, args, output: seen.append(output))
    with pytest.warns(RuntimeWarning, match="a layer has hooks"):
        fast(images(4))
    assert [tuple(one.shape) for one in seen] == [(4, 3), (4, 4, 8, 8), (4, 3)]


def test_several_outputs_keep_their_structure():
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.one, self.two = nn.Linear(100, 4), nn.Linear(4, 3)

        def forward(self, x):
            hidden = self.one(x.flatten(1))
            return {"logits": self.two(torch.relu(hidden)), "parts": (hidden, [hidden + 1])}

    model = Two()
    fast = accelerate(model)
    first, second = fast(images(4)), fast(images(4))
    assert second["logits"].grad_fn.name() == "_TrainingBackward"
    same(second["logits"], first["logits"])
    same(second["parts"][1][0], first["parts"][1][0])


def test_layers_that_are_made_in_the_first_call():
    model = accelerate(nn.Sequential(nn.Flatten(), nn.LazyLinear(3)))
    for _ in range(3):
        logits = model(images(4))
    assert logits.grad_fn.name() == "_TrainingBackward"


def test_a_forward_pass_that_counts_its_calls_stays_on_pytorch():
    class Counts(nn.Module):
        def __init__(self):
            super().__init__()
            self.last, self.calls = nn.Linear(100, 3), 0

        def forward(self, x):
            self.calls += 1
            return self.last(x.flatten(1)) * min(1.0, self.calls / 10)

    fast = accelerate(Counts())
    with pytest.warns(RuntimeWarning, match="change from call to call"):
        found = [fast(images(2)) for _ in range(30)]
    same(found[2], 3 * found[0])
    same(found[29], 10 * found[0])


def test_a_normalisation_that_is_frozen_runs_on_pytorch():
    fast, plain = twins("accelerate")
    for model in (fast, plain):
        model.norm.eval()
    same(fast(images(4)), plain(images(4)))
    with pytest.warns(RuntimeWarning, match="norm .*uses its running averages in training"):
        same(fast(images(4)), plain(images(4)))
    assert_same_state(fast, plain)


def test_dropout_alone_in_training_mode_draws():
    """Monte Carlo dropout (Gal and Ghahramani, 2016)."""
    model = accelerate(nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(100, 3)).eval())
    model[1].train()
    with torch.no_grad():
        model(images(4))
        assert not torch.equal(model(images(4)), model(images(4)))


def test_a_single_image_in_training_is_what_it_is_in_pytorch():
    model = accelerate(nn.Sequential(nn.Flatten(), nn.Linear(100, 4), nn.BatchNorm1d(4)))
    model(images(4))
    model(images(4))
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        model(images(1))
    assert model.eval()(images(1)).shape == (1, 4)


def replaced():
    model = network()
    model.forward = types.MethodType(lambda self, x: x, model)
    return model


@pytest.mark.parametrize(
    ("given", "line"),
    [
        (lambda: torch.relu, "torch.nn.Module written in Python, not a"),
        (lambda: torch.jit.script(nn.Linear(2, 2)), "not a RecursiveScriptModule"),
        (replaced, "whose forward was set on the object"),
    ],
)
@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:.*torch.jit:FutureWarning")
def test_what_cannot_be_accelerated_is_refused(given, line):
    with pytest.raises(KernelError, match=line):
        accelerate(given())
