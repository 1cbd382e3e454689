"""Records of runs: one file per run, from which every table can be made again without training."""

from mnistlab.runs.atomic import write_atomically
from mnistlab.runs.checksum import BLANK, add_checksum, read_checksums, seal, seal_is_broken
from mnistlab.runs.confusion import ClassScore, Scores, confusion_matrix, score_classes, unequal
from mnistlab.runs.environment import available_cores, describe_environment
from mnistlab.runs.folder import RunFolder
from mnistlab.runs.initial_weights import FrozenWeights, InitialWeights, weight_notes
from mnistlab.runs.lock import folder_lock
from mnistlab.runs.options import RunOptions
from mnistlab.runs.pooling import MIXED, pool_complete, pool_fingerprints, pool_folds
from mnistlab.runs.predictions import (
    MAX_SEED,
    Predictions,
    Seed,
    refuse_seed,
    summarise_predictions,
)
from mnistlab.runs.prerequisites import check_prerequisites
from mnistlab.runs.record import (
    CodeDigest,
    DataSummary,
    Environment,
    EpochMetrics,
    FinalFigures,
    RunRecord,
    class_weight_notes,
    have_one_model,
    now,
    reason,
)
from mnistlab.runs.store import (
    RunStore,
    RunSummary,
    find_runs,
    read_content,
    read_summary,
    run_name,
)
from mnistlab.runs.watching import best_epoch, out_of_patience, watched_values
from mnistlab.runs.weights_file import digest_of, read_initial_weights

__all__ = [
    "BLANK",
    "MAX_SEED",
    "MIXED",
    "ClassScore",
    "CodeDigest",
    "DataSummary",
    "Environment",
    "EpochMetrics",
    "FinalFigures",
    "FrozenWeights",
    "InitialWeights",
    "Predictions",
    "RunFolder",
    "RunOptions",
    "RunRecord",
    "RunStore",
    "RunSummary",
    "Scores",
    "Seed",
    "add_checksum",
    "available_cores",
    "best_epoch",
    "check_prerequisites",
    "class_weight_notes",
    "confusion_matrix",
    "describe_environment",
    "digest_of",
    "find_runs",
    "folder_lock",
    "have_one_model",
    "now",
    "out_of_patience",
    "pool_complete",
    "pool_fingerprints",
    "pool_folds",
    "read_checksums",
    "read_content",
    "read_initial_weights",
    "read_summary",
    "reason",
    "refuse_seed",
    "run_name",
    "score_classes",
    "seal",
    "seal_is_broken",
    "summarise_predictions",
    "unequal",
    "watched_values",
    "weight_notes",
    "write_atomically",
]
