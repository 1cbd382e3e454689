"""Reports: tables, plots and pages made from records.

What needs matplotlib is imported from its own module, such as ``report.comparison_report`` or
``report.run_plots``.
"""

from mnistlab.report.course_report import course_table, write_course_report
from mnistlab.report.run_frame import run_frame
from mnistlab.report.table import Table, duration, percent

__all__ = ["Table", "course_table", "duration", "percent", "run_frame", "write_course_report"]
