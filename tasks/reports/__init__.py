"""Reports of tables and queries: a page, a workbook, a mail; and what is told to Tableau."""

from tasks.reports.sections import Chart, ReportTable, Section, Text

__all__ = ["Chart", "ReportTable", "Section", "Text"]
