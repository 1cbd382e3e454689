"""Perceptrons: networks of linear layers, and what people put between them."""

import math

import torch
import torch.nn as nn
import torch.nn.functional as F


class SigmoidMLP(nn.Module):
    def __init__(self, n_in=784, n_hidden=30, n_out=10):
        super(SigmoidMLP, self).__init__()
        self.input_size = n_in
        self.l1 = nn.Linear(n_in, n_hidden)
        self.l2 = nn.Linear(n_hidden, n_out)
        self.act = nn.Sigmoid()

    def forward(self, x):
        x = x.view(-1, self.input_size)
        return self.l2(self.act(self.l1(x)))


def tanh_with_softmax():
    """Probabilities given to a loss that takes logits: a common mistake, trained as written."""
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(28 * 28, 24),
        nn.Tanh(),
        nn.Linear(24, 10),
        nn.Softmax(dim=1),
    )


class FunctionalDropout(nn.Module):
    def __init__(self, hidden: int = 48, p: float = 0.3):
        super().__init__()
        self.p = p
        self.fc1 = nn.Linear(784, hidden)
        self.fc2 = nn.Linear(hidden, hidden)
        self.fc3 = nn.Linear(hidden, 10)

    def forward(self, x):
        x = x.reshape(len(x), -1)
        x = F.dropout(F.relu(self.fc1(x)), p=self.p, training=self.training)
        if self.training:
            x = F.dropout(F.relu(self.fc2(x)), self.p)
        else:
            x = F.relu(self.fc2(x))
        return self.fc3(x)


class Highway(nn.Module):
    """Gates (Srivastava et al., 2015)."""

    def __init__(self, size=24, layers=2):
        super().__init__()
        self.size_in = nn.Linear(784, size)
        self.H = nn.ModuleList([nn.Linear(size, size) for _ in range(layers)])
        self.T = nn.ModuleList([nn.Linear(size, size) for _ in range(layers)])
        for gate in self.T:
            nn.init.constant_(gate.bias, -1.0)
        self.out = nn.Linear(size, 10)

    def forward(self, x):
        x = torch.relu(self.size_in(torch.flatten(x, start_dim=1)))
        for h, t in zip(self.H, self.T):
            gate = torch.sigmoid(t(x))
            x = gate * torch.relu(h(x)) + (1 - gate) * x
        return self.out(x)


class Maxout(nn.Module):
    """The largest of several linear functions (Goodfellow et al., 2013)."""

    def __init__(self, pieces=3):
        super().__init__()
        self.k = pieces
        self.hidden = nn.Linear(784, 32 * pieces)
        self.a = nn.Linear(32, 16)
        self.b = nn.Linear(32, 16)
        self.classifier = nn.Linear(16, 10)

    def forward(self, img):
        h = self.hidden(img.flatten(1))
        h = h.view(h.shape[0], 32, self.k).max(dim=2)[0]
        return self.classifier(torch.maximum(self.a(h), self.b(h)))


class Mixer(nn.Module):
    """Patches mixed across positions and across channels (Tolstikhin et al., 2021)."""

    class Block(nn.Module):
        def __init__(self, tokens, dim):
            super().__init__()
            self.ln1, self.ln2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
            self.token_mix = nn.Sequential(
                nn.Linear(tokens, 2 * tokens), nn.GELU(), nn.Linear(2 * tokens, tokens)
            )
            self.channel_mix = nn.Sequential(
                nn.Linear(dim, 2 * dim), nn.GELU(), nn.Linear(2 * dim, dim)
            )

        def forward(self, x):
            x = x + self.token_mix(self.ln1(x).transpose(1, 2)).transpose(1, 2)
            return x + self.channel_mix(self.ln2(x))

    def __init__(self, dim=16, patch=7, depth=2):
        super().__init__()
        self.stem = nn.Conv2d(1, dim, kernel_size=patch, stride=patch)
        self.blocks = nn.Sequential(*[Mixer.Block((28 // patch) ** 2, dim) for _ in range(depth)])
        self.norm = nn.LayerNorm(dim)
        self.head = nn.Linear(dim, 10)

    def forward(self, x):
        x = self.stem(x).flatten(2).transpose(1, 2)
        x = self.norm(self.blocks(x)).mean(dim=1)
        return self.head(x)


class OwnParameters(nn.Module):
    """No layer at all: weights as parameters, multiplied by @."""

    def __init__(self):
        super().__init__()
        self.w1 = nn.Parameter(torch.randn(784, 40) / math.sqrt(784))
        self.b1 = nn.Parameter(torch.zeros(40))
        self.w2 = nn.Parameter(torch.randn(40, 10) / math.sqrt(40))
        self.b2 = nn.Parameter(torch.zeros(10))

    def forward(self, xb):
        xb = xb.view(xb.size(0), -1)
        hidden = (xb @ self.w1 + self.b1).clamp(min=0)
        return torch.matmul(hidden, self.w2) + self.b2


class SharedWeights(nn.Module):
    """One hidden layer applied three times."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Linear(784, 24)
        self.step = nn.Linear(24, 24)
        self.readout = nn.Linear(24, 10)

    def forward(self, x):
        h = self.embed(x.flatten(start_dim=1))
        for _ in range(3):
            h = torch.tanh(self.step(h) + h)
        return self.readout(h)


class TwoNames(nn.Module):
    """Layers kept as attributes and in a Sequential."""

    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(784, 32)
        self.relu = nn.ReLU()
        self.fc2 = nn.Linear(32, 10)
        self.model = nn.Sequential(nn.Flatten(), self.fc1, self.relu, self.fc2)

    def forward(self, x):
        return self.model(x)


class Autoencoder(nn.Module):
    """Encoder and decoder, classified from the code and from what the decoder made of it."""

    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Linear(784, 32), nn.ReLU(True), nn.Linear(32, 12), nn.ReLU(True)
        )
        self.decoder = nn.Sequential(nn.Linear(12, 32), nn.ReLU(True), nn.Linear(32, 48), nn.Tanh())
        self.head = nn.Linear(12 + 48, 10)

    def forward(self, x):
        code = self.encoder(x.view(x.shape[0], -1))
        return self.head(torch.cat((code, self.decoder(code)), dim=1))


class Normalised1d(nn.Module):
    def __init__(self):
        super().__init__()
        sizes = [784, 40, 30]
        self.linears = nn.ModuleList(
            nn.Linear(a, b, bias=False) for a, b in zip(sizes[:-1], sizes[1:])
        )
        self.norms = nn.ModuleList([nn.BatchNorm1d(40), nn.BatchNorm1d(30, affine=False)])
        self.final = nn.Linear(30, 10)

    def forward(self, x):
        x = x.flatten(1)
        for i, linear in enumerate(self.linears):
            x = self.norms[i](linear(x)).relu()
        return self.final(x)


class PReLUNet(nn.Module):
    def __init__(self, ip=2):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 8, 5, padding=2), nn.PReLU(), nn.MaxPool2d(2, 2),
            nn.Conv2d(8, 12, 5, padding=2), nn.PReLU(12), nn.MaxPool2d(2, 2),
        )  # fmt: skip
        self.ip1 = nn.Linear(12 * 7 * 7, ip)
        self.preluip1 = nn.PReLU()
        self.ip2 = nn.Linear(ip, 10, bias=False)

    def forward(self, x):
        x = self.features(x).view(-1, 12 * 7 * 7)
        return self.ip2(self.preluip1(self.ip1(x)))


class CosineClassifier(nn.Module):
    def __init__(self, scale=8.0):
        super().__init__()
        self.scale = scale
        self.body = nn.Sequential(nn.Flatten(), nn.Linear(784, 32), nn.ReLU(), nn.Linear(32, 16))
        self.centres = nn.Parameter(torch.randn(10, 16))

    def forward(self, x):
        x = F.normalize(self.body(x), dim=1)
        return self.scale * F.linear(x, F.normalize(self.centres, dim=1))


class Distances(nn.Module):
    """Minus squared distances to a centre for each class, as the first LeNet-5 had them."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(784, 20)
        self.centres = nn.Parameter(torch.randn(10, 20))

    def forward(self, x):
        x = torch.tanh(self.fc(x.flatten(1)))
        return -((x.unsqueeze(1) - self.centres) ** 2).sum(-1)


def selu_alpha():
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(784, 32), nn.SELU(), nn.AlphaDropout(0.1),
        nn.Linear(32, 32), nn.ELU(0.5), nn.Linear(32, 32), nn.Softplus(),
        nn.Linear(32, 10),
    )  # fmt: skip
