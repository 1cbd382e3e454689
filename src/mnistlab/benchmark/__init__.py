"""How fast training is on this machine, compared with plain PyTorch and with what the processor
could do at best, measured in one run.
"""

from mnistlab.benchmark.benchmark import Benchmark, measure

__all__ = ["Benchmark", "measure"]
