"""``mnistlab doctor`` names everything that keeps a model from the native kernels."""

from tests.cli.processes import MNISTLAB, run

NET = """\
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.last = nn.Linear(1024, classes)

    def forward(self, images):
        spectrum = torch.fft.fft2(images).real
        if images.std() > 100:
            spectrum = -spectrum
        noise = torch.randn(1024)
        return self.last(spectrum.flatten(1) + noise)

def build(image_shape, classes):
    return Net(classes)
"""

LISTED = """
net.py:10: spectrum = torch.fft.fft2(images).real
    fft2() has no native kernel

net.py:11: if images.std() > 100:
    bool() decides by the images' values
    Instead: choose with torch.where, or by shapes and self.training.

net.py:13: noise = torch.randn(1024)
    randn() draws random numbers
    Instead: use dropout, or let the recipe augment the images.
"""


def test_every_obstacle_is_listed_with_its_line_and_what_would_work(tmp_path):
    (tmp_path / "net.py").write_text(NET, encoding="utf-8")
    found = run(*MNISTLAB, "doctor", "net.py:build", cwd=tmp_path)
    assert found.returncode == 0, found
    first = "fft2(): has no native kernel (net.py:10: spectrum = torch.fft.fft2(images).real)"
    assert f"trains on plain PyTorch: {first}\n" in found.stdout
    assert found.stdout.endswith(LISTED)
