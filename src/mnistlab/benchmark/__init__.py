"""How fast training is here, against plain PyTorch and against what the processor could do, in one
run.
"""

from mnistlab.benchmark.benchmark import Benchmark, measure

__all__ = ["Benchmark", "measure"]
