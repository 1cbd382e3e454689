"""Fast layers for the CPU: a model compiled into a plan that trains whole batches in one call."""

from mnistlab.kernels.agreement import make_plan
from mnistlab.kernels.library import installed, load_library
from mnistlab.kernels.plan import Plan
from mnistlab.kernels.workload import Distortions, Pass

__all__ = ["Distortions", "Pass", "Plan", "installed", "load_library", "make_plan"]
