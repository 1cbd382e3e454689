"""Runs to numbers: what several seeds show, how sure one can be, and the verdict in words."""

from mnistlab.statistics.calibration import Reliability, expected_calibration_error, reliability
from mnistlab.statistics.comparison import Comparison, compare
from mnistlab.statistics.curves import MEASURES, Band, band
from mnistlab.statistics.difference import Difference
from mnistlab.statistics.images import HardImage, class_errors, confusion, hardest
from mnistlab.statistics.power import seeds_needed
from mnistlab.statistics.sample import Sample
from mnistlab.statistics.summary import Interval, Summary, summarise
from mnistlab.statistics.verdict import MINIMUM_SEEDS, minimum_seeds

__all__ = [
    "MEASURES",
    "MINIMUM_SEEDS",
    "Band",
    "Comparison",
    "Difference",
    "HardImage",
    "Interval",
    "Reliability",
    "Sample",
    "Summary",
    "band",
    "class_errors",
    "compare",
    "confusion",
    "expected_calibration_error",
    "hardest",
    "minimum_seeds",
    "reliability",
    "seeds_needed",
    "summarise",
]
