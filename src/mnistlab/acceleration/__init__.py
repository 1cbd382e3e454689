"""Fast training in anyone's loop: the native kernels behind ``torch.compile`` and behind any
module.
"""

from mnistlab.acceleration.module import accelerate

__all__ = ["accelerate"]
