"""A finished run → one ONNX file, held against PyTorch on every test image before it is written."""

from mnistlab.export.calibration import Calibration, calibrate
from mnistlab.export.export import ExportReport, export_run

__all__ = ["Calibration", "ExportReport", "calibrate", "export_run"]
