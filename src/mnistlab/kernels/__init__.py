"""Native kernels for the CPU: a model becomes a plan that trains on whole batches in one call."""

from mnistlab.kernels.addresses import why_not_fused
from mnistlab.kernels.advantage import why_slower
from mnistlab.kernels.agreement import make_plan
from mnistlab.kernels.epoch import AUGMENTATION_TENSORS, AugmentationParams, EpochBatches
from mnistlab.kernels.fusion import fuse
from mnistlab.kernels.library import SAME_BITS, installed, load_library
from mnistlab.kernels.obstacles import Obstacle, ObstacleError
from mnistlab.kernels.plan import Plan
from mnistlab.kernels.profile import OperationProfile, Profile, measure_profile
from mnistlab.kernels.program import Context, Program
from mnistlab.kernels.trace import trace

__all__ = [
    "AUGMENTATION_TENSORS",
    "SAME_BITS",
    "AugmentationParams",
    "Context",
    "EpochBatches",
    "Obstacle",
    "ObstacleError",
    "OperationProfile",
    "Plan",
    "Profile",
    "Program",
    "fuse",
    "installed",
    "load_library",
    "make_plan",
    "measure_profile",
    "trace",
    "why_not_fused",
    "why_slower",
]
