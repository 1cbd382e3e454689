"""Forward passes that are others for many images than for few: never on the native kernels."""

import pytest
import torch
from torch import nn

from mnistlab import make_dataset, train
from mnistlab.data import Split
from mnistlab.errors import KernelError
from mnistlab.kernels.batch_sizes import refuse_other_calls
from tests.kernels.models import Model

SHAPE = (1, 6, 6)


def model_of(forward):
    return Model(forward, last=nn.Linear(36, 10), norm=nn.BatchNorm1d(36), drop=nn.Dropout(0.5))


def doubled(m, x):
    count, x = x.size(0), x.flatten(1)
    return m.last(x * 2.0 if count >= 128 else x)


def scaled(m, x):
    return m.last(x.flatten(1) * (1.0 if len(x) < 100 else 2.0))


def narrower_in_evaluation(m, x):
    y = m.last(x.flatten(1))
    return y if m.training or x.shape[0] < 300 else y[:, :9]


def by_parts(m, x):
    parts = x.flatten(1).split(200)
    return m.last(torch.cat([-part if len(parts) > 2 else part for part in parts]))


def with_a_foreign_constant(m, x):
    x = x.flatten(1) + torch.ones(36).abs()
    return m.last(x if x.numel() < 36 * 400 else -x)


@pytest.mark.parametrize(
    "forward", [doubled, scaled, narrower_in_evaluation, by_parts, with_a_foreign_constant]
)
def test_a_branch_on_the_number_of_images_is_refused(forward):
    model = model_of(forward)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    state = torch.get_rng_state()
    with pytest.raises(KernelError, match="another one for 500 images than for 2"):
        refuse_other_calls(model, SHAPE, 500)
    assert model.training
    assert torch.equal(torch.get_rng_state(), state)
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name])
    refuse_other_calls(model, SHAPE, 90)


class Own:
    """A constant that is no buffer."""

    ones = torch.ones(36)


@pytest.mark.parametrize(
    "forward",
    [
        lambda m, x: m.last(m.drop(m.norm(x.view(x.size(0), -1)))),
        lambda m, x: m.last(x.reshape(len(x), x.shape[1] * 36)[: x.size(0)]),
        lambda m, x: m.last(x.flatten(1).masked_fill(x.flatten(1) > 9, float("-inf"))),
        lambda m, x: m.last(x.flatten(1) * Own.ones),
        lambda m, x: m.last(x.flatten(1) + torch.arange(36) * torch.zeros(x.size(0), 1)),
    ],
)
def test_sizes_that_follow_from_the_number_of_images_are_not(forward):
    refuse_other_calls(model_of(forward), SHAPE, 500)


def test_such_a_model_is_trained_by_pytorch(tmp_path):
    (tmp_path / "net.py").write_text(
        "from torch import nn\n"
        "class Net(nn.Module):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.last = nn.Linear(1024, 10)\n"
        "    def forward(self, x):\n"
        "        y = x.flatten(1)\n"
        "        return self.last(y if len(x) < 40 else -y)\n"
    )
    random = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (120, 32, 32), generator=random, dtype=torch.uint8).numpy()
    labels = torch.arange(120).remainder(10).numpy()
    part = Split(images, labels)
    trained = train(
        f"{tmp_path}/net.py:Net", make_dataset("noise", part, part), epochs=1, batch_size=60
    )
    assert trained.record.environment.kernels == "torch"


def test_large_batches_are_tried_in_part_and_what_cannot_be_copied_is_refused():
    refuse_other_calls(model_of(lambda m, x: m.last(x.view(len(x), -1))), (3, 12, 1), 10**9)
    model = model_of(lambda m, x: m.last(x.flatten(1)))
    model.file = open(__file__)  # noqa: PTH123, SIM115 - which copy.deepcopy refuses
    with model.file, pytest.raises(KernelError, match="cannot be tried with 2 images"):
        refuse_other_calls(model, SHAPE, 500)
