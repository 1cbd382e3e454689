"""Forward passes as people write them are followed: a plan gives what PyTorch gives."""

import math
import subprocess
import sys
import types
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils import checkpoint

from tests.kernels.models import CLASSES, Model, conv, head
from tests.kernels.test_trace import assert_as_pytorch

ROOT = Path(__file__).parents[2]


def of(function, **layers):
    return lambda: Model(function, **(layers or {"conv": conv(), "last": head()}))


def after_conv(function, size=64):
    return of(lambda m, x: m.last(function(m.conv(x))), conv=conv(), last=head(size))


class Tokens(nn.Module):
    """A small vision transformer: patches, a class token, learned positions, attention."""

    def __init__(self, attention):
        super().__init__()
        self.patches = nn.Conv2d(2, 8, 2, 2)
        self.token = nn.Parameter(torch.randn(1, 1, 8))
        self.positions = nn.Parameter(torch.randn(1, 16, 8))
        self.attention = attention
        self.norm = nn.LayerNorm(8)
        self.last = nn.Linear(8, CLASSES)

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat((self.token.expand(x.shape[0], -1, -1), x), dim=1)
        x = x + self.positions[:, : x.shape[1]]
        return self.last(self.norm(self.attention(x))[:, 0])


class ByHand(nn.Module):
    def __init__(self):
        super().__init__()
        self.qkv, self.out = nn.Linear(8, 24), nn.Linear(8, 8)
        self.gamma = nn.Parameter(torch.rand(8))

    def forward(self, x):
        batch, tokens, width = x.shape
        qkv = self.qkv(x).reshape(batch, tokens, 3, 2, width // 2).permute(2, 0, 3, 1, 4)
        q, k, v = qkv.unbind(0)
        scores = (q @ k.transpose(-2, -1)) * (width // 2) ** -0.5
        found = scores.softmax(dim=-1) @ v
        return x + self.gamma * self.out(found.transpose(1, 2).reshape(batch, tokens, width))


class ByFunction(ByHand):
    def forward(self, x):
        b, t, c = x.size()
        q, k, v = self.qkv(x).chunk(3, dim=2)
        q, k, v = (one.view(b, t, 2, c // 2).transpose(1, 2) for one in (q, k, v))
        found = functional.scaled_dot_product_attention(q, k, v)
        return self.out(found.transpose(1, 2).contiguous().view(b, t, c))


class Layer(nn.Module):
    def __init__(self, **options):
        super().__init__()
        self.attention = nn.MultiheadAttention(8, 2, **options)

    def forward(self, x):
        if self.attention.batch_first:
            return self.attention(x, x, x)[0]
        x = x.permute(1, 0, 2)
        return self.attention(x, x, x, need_weights=False)[0].transpose(0, 1)


class Inverted(nn.Linear):
    def forward(self, x):
        return -super().forward(x)


class Scaled(nn.Module):
    def __init__(self):
        super().__init__()
        self.gamma = nn.Parameter(torch.rand(4))
        self.register_buffer("mean", torch.rand(2, 1, 1))
        self.conv, self.last = conv(), head()

    def forward(self, x):
        x = self.conv(x + self.mean)
        return self.last((x * self.gamma.view(1, -1, 1, 1)).flatten(1))


class Masked(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("mask", torch.ones(16, 16).tril() > 0)

    def forward(self, x):
        scores = (x @ x.mT).masked_fill(~self.mask[: x.size(1), : x.size(1)], -math.inf)
        return scores.softmax(-1) @ x


def looked_at(m, x):
    x = m.conv(x)
    batch = x.data.size(0)
    m.seen = torch.erfinv(x).detach()
    return m.last(x.view(batch, -1))


def checkpointed(m, x):
    x = checkpoint.checkpoint(m.conv, x, use_reentrant=False)
    return m.last(x.flatten(1))


class Rows(nn.Module):
    """A recurrent layer over the rows of an image."""

    def __init__(self, layer, width=5):
        super().__init__()
        self.layer, self.last = layer, nn.Linear(width, CLASSES)

    def forward(self, x):
        rows = x.flatten(1, 1)[:, 0]
        if not self.layer.batch_first:
            rows = rows.transpose(0, 1)
        found, _ = self.layer(rows)
        return self.last(found[:, -1] if self.layer.batch_first else found[-1])


class LastState(Rows):
    def forward(self, x):
        zeros = torch.zeros(self.layer.num_layers, x.size(0), 5, dtype=x.dtype)
        _, (hidden, cells) = self.layer(x.mean(1), (zeros, zeros))
        return self.last(hidden[-1] + cells[0])


class OwnCells(nn.Module):
    def __init__(self, cell):
        super().__init__()
        self.cell, self.last = cell, nn.Linear(5, CLASSES)

    def forward(self, x):
        state = None
        for row in x.mean(1).unbind(1):
            state = self.cell(row, state)
        return self.last(state[0] if isinstance(state, tuple) else state)


def learned_start(m, x):
    state = m.start
    for row in x.mean(1).unbind(1):
        state = torch.tanh(m.step(state) + row)
    return m.last(state)


def layer_used_twice():
    same = nn.Linear(72, 72)
    return nn.Sequential(nn.Flatten(), same, nn.ReLU(), same, nn.Linear(72, CLASSES))


def tied():
    model = nn.Sequential(nn.Flatten(), nn.Linear(72, 72), nn.Linear(72, 72), head(72))
    model[2].weight = model[1].weight
    return model


def in_place_elsewhere(m, x):
    x = m.conv(x)
    return m.last((m.relu(x) + x).flatten(1))


def in_place_unnoticed(m, x):
    x = m.conv(x)
    m.relu(x)
    return m.last(x.flatten(1))


def added_in_place(m, x):
    x = m.conv(x)
    y = x * 2
    y += x
    return m.last(y.flatten(1))


def scaled_in_place(m, x):
    x -= 0.5
    return m.last(x.mul_(2).flatten(1))


def branch_on_shape(m, x):
    x = m.conv(x)
    if x.shape[2] > 3:
        x = functional.max_pool2d(x, 2)
    return m.last(x.flatten(1))


def branch_on_batch_size(m, x):
    return m.last(x.flatten(1)) if x.shape[0] > 1 else m.last(x.view(1, -1))


def by_training(m, x):
    x = m.conv(x).flatten(1)
    if m.training:
        x = functional.dropout(x, 0.0)
    return m.last(x)


def hooked():
    model = nn.Sequential(conv(), nn.ReLU(), nn.Flatten(), head())
    model[1].register_forward_hook(lambda module, args, output: output * 2)
    model[3].register_forward_pre_hook(lambda module, args: (args[0] + 1,))
    return model


def replaced_forward():
    model = nn.Sequential(conv(), nn.Flatten(), head())
    model[0].forward = types.MethodType(
        lambda self, x: functional.relu(type(self).forward(self, x)), model[0]
    )
    return model


def a_constant_of_the_batch(m, x):
    ones = torch.ones(x.size(0), 1, 6, 6)
    return m.last(torch.cat([x, ones], 1).flatten(1))


def positions_looked_up(m, x):
    x = x.flatten(1, 2)
    return m.last((x + m.embed(torch.arange(x.shape[1]))).flatten(1))


def unused(m, x):
    m.conv(x)
    return m.last(x.flatten(1))


def two_of_them(m, x):
    big, small = m.conv(x).chunk(2, 1)
    return m.last((big + small).flatten(1))


FOLLOWED = {
    "size()[0]": after_conv(lambda x: x.view(x.size()[0], -1)),
    "len": after_conv(lambda x: x.reshape(len(x), -1)),
    "-1 by shape": after_conv(lambda x: x.view(-1, x.shape[1] * x.shape[2] * x.shape[3])),
    "-1 by num_flat_features": after_conv(lambda x: x.view(-1, math.prod(x.size()[1:]))),
    "unpacked shape": after_conv(lambda x: x.view((lambda b, c, h, w: (b, c * h * w))(*x.shape))),
    "flatten(2).flatten(1)": after_conv(lambda x: x.flatten(2).flatten(1)),
    "start_dim=-3": after_conv(lambda x: torch.flatten(x, start_dim=-3)),
    "unflattened": after_conv(lambda x: x.unflatten(1, (2, -1)).flatten(1)),
    "unsqueezed": after_conv(lambda x: x.unsqueeze(1).squeeze(1).flatten(1)),
    "squeezed": after_conv(lambda x: x.mean((2, 3), keepdim=True).squeeze(), 4),
    "squeezed by dimension": after_conv(
        lambda x: x.mean(3, keepdim=True).squeeze(-1).flatten(1), 16
    ),
    "keepdims and axis": after_conv(lambda x: x.mean(axis=(2, 3), keepdims=True).flatten(1), 4),
    "permuted": after_conv(lambda x: x.permute(0, 2, 3, 1).flatten(1)),
    "the batch moved and back": after_conv(lambda x: x.transpose(0, 1).transpose(1, 0).flatten(1)),
    "the batch last": after_conv(lambda x: x.flatten(1).t().T),
    "moved": after_conv(lambda x: x.movedim(1, -1).contiguous().view(x.shape[0], -1)),
    "matrices turned": after_conv(lambda x: x.mT.flatten(1)),
    "clone, to": after_conv(lambda x: x.clone().to(x.dtype).to(x).flatten(1)),
    "arithmetic": after_conv(lambda x: (2 * x + 1).flatten(1)),
    "a layer used twice": layer_used_twice,
    "tied weights": tied,
    "a subclass": lambda: nn.Sequential(nn.Flatten(), Inverted(72, CLASSES)),
    "in place, used elsewhere": of(
        in_place_elsewhere, conv=conv(), relu=nn.ReLU(inplace=True), last=head()
    ),
    "in place, result not used": of(
        in_place_unnoticed, conv=conv(), relu=nn.ReLU(inplace=True), last=head()
    ),
    "added in place": of(added_in_place),
    "images scaled in place": of(scaled_in_place, last=head(72)),
    "a branch on shapes": of(branch_on_shape, conv=conv(), last=head(16)),
    "a branch on the batch's size": of(branch_on_batch_size, last=head(72)),
    "by training": of(by_training),
    "forward hooks": hooked,
    "another forward": replaced_forward,
    "a constant for each image": of(a_constant_of_the_batch, last=head(108)),
    "embedded positions": of(positions_looked_up, embed=nn.Embedding(12, 6), last=head(72)),
    "an output unused": of(unused, conv=conv(), last=head(72)),
    "chunks": of(two_of_them, conv=conv(), last=head(32)),
    "scaled by a parameter and a buffer": Scaled,
    "attention by hand": lambda: Tokens(ByHand()),
    "attention by function": lambda: Tokens(ByFunction()),
    "MultiheadAttention": lambda: Tokens(Layer()),
    "MultiheadAttention, batch first": lambda: Tokens(Layer(batch_first=True)),
    "MultiheadAttention without bias": lambda: Tokens(Layer(bias=False)),
    "TransformerEncoderLayer": lambda: Tokens(
        nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True)
    ),
    "TransformerEncoder": lambda: Tokens(
        nn.TransformerEncoder(
            nn.TransformerEncoderLayer(8, 2, 16, 0.0, "gelu", batch_first=True, norm_first=True),
            2,
            enable_nested_tensor=False,
        )
    ),
    "RNN": lambda: Rows(nn.RNN(6, 5, nonlinearity="relu", batch_first=True)),
    "LSTM": lambda: Rows(nn.LSTM(6, 5, num_layers=2)),
    "LSTM without bias": lambda: Rows(nn.LSTM(6, 5, bias=False, batch_first=True)),
    "LSTM's last state": lambda: LastState(nn.LSTM(6, 5, num_layers=2, batch_first=True)),
    "GRU, both ways": lambda: Rows(nn.GRU(6, 5, 2, batch_first=True, bidirectional=True), 10),
    "LSTMCell": lambda: OwnCells(nn.LSTMCell(6, 5)),
    "GRUCell": lambda: OwnCells(nn.GRUCell(6, 5)),
    "RNNCell": lambda: OwnCells(nn.RNNCell(6, 5)),
    "a learned start": of(
        learned_start, start=nn.Parameter(torch.rand(6)), step=nn.Linear(6, 6), last=head(6)
    ),
    "gates expanded": after_conv(lambda x: (x * x.mean((2, 3), True).expand_as(x)).flatten(1)),
    "repeated": after_conv(lambda x: x.mean(3, True).repeat(1, 1, 1, 4).flatten(1)),
    "tiled": after_conv(lambda x: x[:, :2].tile(1, 2, 1, 1).flatten(1)),
    "a new dimension": after_conv(
        lambda x: x[:, :1].expand(4, -1, -1, -1, -1).mean(0).flatten(1), 16
    ),
    "rolled": after_conv(lambda x: x.roll((1, -1), (2, 3)).flatten(1)),
    "repeated in place": after_conv(lambda x: x[..., :2].repeat_interleave(2, -1).flatten(1)),
    "rows picked": after_conv(lambda x: x.index_select(2, torch.tensor([3, 0, 0, 1])).flatten(1)),
    "chosen": after_conv(lambda x: torch.where(torch.eye(4) > 0, x, -math.inf).exp().flatten(1)),
    "a mask": lambda: Tokens(Masked()),
    "looked at only": of(looked_at),
    "checkpointed": of(checkpointed),
    "cumulative batch norm": lambda: nn.Sequential(
        conv(), nn.BatchNorm2d(4, momentum=None), nn.Flatten(), head()
    ),
    "Linear on images": lambda: nn.Sequential(nn.Linear(6, 6), nn.Flatten(), head(72)),
    "batch norm": lambda: nn.Sequential(
        conv(), nn.BatchNorm2d(4), nn.Flatten(), nn.BatchNorm1d(64), head()
    ),
}


@pytest.mark.parametrize("name", FOLLOWED)
def test_a_forward_pass_is_followed(name):
    assert_as_pytorch(FOLLOWED[name])


def test_following_does_not_import_what_compiles():
    """Dynamo takes over a second to import."""
    code = (
        "import sys\nfrom tests.kernels.test_recording import FOLLOWED\n"
        "from tests.kernels.models import SHAPE\n"
        "from mnistlab.kernels.trace import trace\n"
        "trace(FOLLOWED['TransformerEncoderLayer'](), SHAPE)\n"
        "assert 'torch._dynamo' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
