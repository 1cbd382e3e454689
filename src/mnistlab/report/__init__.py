"""Records to tables and plots: what a reader sees.

What needs matplotlib is imported from its own module: ``report.comparison``, ``report.run_plots``.
"""

from mnistlab.report.course import course_table, write_course_report
from mnistlab.report.table import Table, duration, percent

__all__ = ["Table", "course_table", "duration", "percent", "write_course_report"]
