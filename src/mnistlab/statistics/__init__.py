"""From runs to numbers: figures of one model or of several seeds, their intervals, and a verdict in
words.
"""

from mnistlab.statistics.calibration import (
    Reliability,
    ReliabilityDiagram,
    expected_calibration_error,
    reliability,
    reliability_diagram,
)
from mnistlab.statistics.classes import (
    ClassDifference,
    ClassErrors,
    ClassMeans,
    class_differences,
    class_errors,
    class_means,
)
from mnistlab.statistics.comparison import Comparison, compare
from mnistlab.statistics.curves import MEASURES, Band, band
from mnistlab.statistics.difference import MARGIN, Difference
from mnistlab.statistics.evaluation import (
    ClassFigures,
    Coverage,
    Evaluation,
    Misclassification,
    evaluate,
)
from mnistlab.statistics.held_out_calibration import Calibration, calibrate
from mnistlab.statistics.images import HardImage, confusion, hardest
from mnistlab.statistics.interval import Interval
from mnistlab.statistics.looks import Look, minimum_seeds, planned_looks, unplanned_look
from mnistlab.statistics.metric import METRICS, Metric
from mnistlab.statistics.new_images import NewImages
from mnistlab.statistics.power import seeds_for_equivalence, seeds_needed
from mnistlab.statistics.run_group import RunGroup
from mnistlab.statistics.summary import MetricSummary, Summary, summarise, summarise_metric
from mnistlab.statistics.temperature import fit_temperature

__all__ = [
    "MARGIN",
    "MEASURES",
    "METRICS",
    "Band",
    "Calibration",
    "ClassDifference",
    "ClassErrors",
    "ClassFigures",
    "ClassMeans",
    "Comparison",
    "Coverage",
    "Difference",
    "Evaluation",
    "HardImage",
    "Interval",
    "Look",
    "Metric",
    "MetricSummary",
    "Misclassification",
    "NewImages",
    "Reliability",
    "ReliabilityDiagram",
    "RunGroup",
    "Summary",
    "band",
    "calibrate",
    "class_differences",
    "class_errors",
    "class_means",
    "compare",
    "confusion",
    "evaluate",
    "expected_calibration_error",
    "fit_temperature",
    "hardest",
    "minimum_seeds",
    "planned_looks",
    "reliability",
    "reliability_diagram",
    "seeds_for_equivalence",
    "seeds_needed",
    "summarise",
    "summarise_metric",
    "unplanned_look",
]
