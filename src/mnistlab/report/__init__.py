"""Records to tables and plots: what a reader sees."""

from mnistlab.report.course import write_course_report
from mnistlab.report.table import duration, markdown_table, percent, table_rows, text_table

__all__ = ["duration", "markdown_table", "percent", "table_rows", "text_table", "write_course_report"]
