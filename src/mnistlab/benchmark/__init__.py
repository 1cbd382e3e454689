"""How fast training is on this machine, compared with plain PyTorch and with what the processor
could do at best, measured in one run.
"""

from mnistlab.benchmark.benchmark import Benchmark, measure
from mnistlab.benchmark.model_profile import ModelProfile, profile_model
from mnistlab.benchmark.network_steps import NetworkBenchmark, measure_networks

__all__ = [
    "Benchmark",
    "ModelProfile",
    "NetworkBenchmark",
    "measure",
    "measure_networks",
    "profile_model",
]
