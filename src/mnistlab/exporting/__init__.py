"""A finished run → one ONNX file, compared with PyTorch on every test image before it is written;
or a page.
"""

from mnistlab.exporting.export import export
from mnistlab.exporting.onnx_export import ExportReport, Int8Report, export_run
from mnistlab.exporting.site import SiteReport, export_site, find_model

__all__ = [
    "ExportReport",
    "Int8Report",
    "SiteReport",
    "export",
    "export_run",
    "export_site",
    "find_model",
]
