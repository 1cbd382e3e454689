"""Networks with random weights and pictures of strokes, for the tests of the reader's core."""

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import nn

from mnistlab.detector.classifier import VIEWS, Classifier
from mnistlab.detector.network import Detector, prepare
from mnistlab.detector.quantise import quantise_classifier, quantise_detector
from mnistlab.recogniser.engine import OUTPUTS


def draw(rng, height, width, strokes=None):
    """Dark strokes on paper that is a little uneven: uint8, (height, width)."""
    image = Image.new("L", (width, height), 200)
    pen = ImageDraw.Draw(image)
    for _ in range(height * width // 800 if strokes is None else strokes):
        x, y = rng.integers(0, width), rng.integers(0, height)
        points = [(x, y), *((x + a, y + b) for a, b in rng.integers(-14, 15, (3, 2)).tolist())]
        pen.line(points, fill=int(rng.integers(10, 120)), width=int(rng.integers(1, 4)))
    noisy = np.asarray(image) + rng.normal(0, 4, (height, width))
    return np.clip(noisy, 0, 255).astype(np.uint8)


def draw_cut_outs(rng, count):
    """As the classifier sees them: uint8, (count, 3, 32, 32)."""
    return np.stack([[draw(rng, 32, 32, 4) for _ in range(VIEWS)] for _ in range(count)])


def settle(net, images):
    """Let batch normalisation see the pictures, and vary its parameters."""
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, 0, 0.3)
            module.momentum = None
    with torch.no_grad():
        net.train()(prepare(torch.from_numpy(images)))
    return net.eval()


def make_detector(seed=0):
    torch.manual_seed(seed)
    images = np.stack([draw(np.random.default_rng([seed, k]), 96, 96) for k in range(16)])
    net = settle(Detector(), images[:, None])
    nn.init.normal_(net.head.weight, 0, 0.3)
    return net, quantise_detector(net, images)


def make_classifier(net=None, seed=0):
    torch.manual_seed(seed)
    images = draw_cut_outs(np.random.default_rng(seed), 64)
    net = nn.Sequential(*list(Classifier())[:-1], nn.Linear(1536, OUTPUTS)) if net is None else net
    for module in net.modules():
        if hasattr(module, "reset_parameters"):
            module.reset_parameters()
    net = settle(net, images)
    return net, quantise_classifier(net, images)


def run_float(net, images):
    """Outputs of the float network for uint8 pictures (n, channels, height, width)."""
    with torch.no_grad():
        return net(prepare(torch.from_numpy(images))).numpy()
