"""What was measured: one record a run, kept so that every table can be made again without training."""

from mnistlab.runs.atomic import write_atomically
from mnistlab.runs.checksum import BLANK, add_checksum, read_checksums, seal, seal_is_broken
from mnistlab.runs.environment import available_cores, describe_environment
from mnistlab.runs.folder import RunFolder
from mnistlab.runs.outcome import MAX_SEED, Outcome, Seed, describe_outcome
from mnistlab.runs.record import DataSummary, Environment, EpochMetrics, FinalFigures, RunRecord, now, reason
from mnistlab.runs.store import RunGlance, RunStore, run_name

__all__ = [
    "BLANK",
    "MAX_SEED",
    "DataSummary",
    "Environment",
    "EpochMetrics",
    "FinalFigures",
    "Outcome",
    "RunFolder",
    "RunGlance",
    "RunRecord",
    "RunStore",
    "Seed",
    "add_checksum",
    "available_cores",
    "describe_environment",
    "describe_outcome",
    "now",
    "read_checksums",
    "reason",
    "run_name",
    "seal",
    "seal_is_broken",
    "write_atomically",
]
