"""A finished run → one ONNX file, held against PyTorch on every test image before it is written; or
a page.
"""

from mnistlab.export.calibrate import Calibration, calibrate
from mnistlab.export.export import ExportReport, export_run
from mnistlab.export.site import SiteReport, export_site, find_model

__all__ = [
    "Calibration",
    "ExportReport",
    "SiteReport",
    "calibrate",
    "export_run",
    "export_site",
    "find_model",
]
