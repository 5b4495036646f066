"""The task library: dbt, SQL and shell work, ready to be put into flows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.late_names import late_names

if TYPE_CHECKING:
    from tasks.datasets import Connection, Table
    from tasks.dbt.build import DbtBuild
    from tasks.dbt.shell import DbtShellTask
    from tasks.duckdb.query import DuckDBQuery
    from tasks.files.copying import CopyFiles, MoveFiles
    from tasks.files.deleting import DeleteFiles
    from tasks.files.exporting import ExportTable
    from tasks.files.listing import ListFiles
    from tasks.files.loading import LoadFiles
    from tasks.files.waiting import WaitForFile
    from tasks.flow_runs import StartFlowRun, create_flow_run, wait_for_flow_run
    from tasks.git import GitClone
    from tasks.http.ask import HttpRequest
    from tasks.http.paginate import HttpPaginate, LoadFromHttp
    from tasks.http.wait import WaitForHttp
    from tasks.notify import Notify, SlackTask
    from tasks.postgres.query import PostgresQuery
    from tasks.process import ProcessTask
    from tasks.reports.excel import ExcelReport
    from tasks.reports.html import HtmlReport
    from tasks.reports.mail import MailReport
    from tasks.reports.tableau import TableauRefresh
    from tasks.secrets import EnvVarSecret, PrefectSecret
    from tasks.shell import ShellTask
    from tasks.snowflake.compute import SnowflakeCompute
    from tasks.snowflake.query import SnowflakeQueriesFromFile, SnowflakeQuery
    from tasks.snowflake.stages import SnowflakeCopy, SnowflakeGet, SnowflakePut
    from tasks.sql.check import SqlCheck
    from tasks.sql.folder import SqlFolder
    from tasks.sql.task import SqlTask

#: Where each task lives; imported when first used, so that no driver is needed before that.
_HOMES = {
    "Connection": "tasks.datasets",
    "CopyFiles": "tasks.files.copying",
    "DbtBuild": "tasks.dbt.build",
    "DbtShellTask": "tasks.dbt.shell",
    "DeleteFiles": "tasks.files.deleting",
    "EnvVarSecret": "tasks.secrets",
    "DuckDBQuery": "tasks.duckdb.query",
    "ExcelReport": "tasks.reports.excel",
    "ExportTable": "tasks.files.exporting",
    "GitClone": "tasks.git",
    "HtmlReport": "tasks.reports.html",
    "HttpPaginate": "tasks.http.paginate",
    "HttpRequest": "tasks.http.ask",
    "ListFiles": "tasks.files.listing",
    "LoadFiles": "tasks.files.loading",
    "LoadFromHttp": "tasks.http.paginate",
    "MailReport": "tasks.reports.mail",
    "MoveFiles": "tasks.files.copying",
    "Notify": "tasks.notify",
    "PostgresQuery": "tasks.postgres.query",
    "PrefectSecret": "tasks.secrets",
    "ProcessTask": "tasks.process",
    "ShellTask": "tasks.shell",
    "SlackTask": "tasks.notify",
    "SnowflakeCompute": "tasks.snowflake.compute",
    "SnowflakeCopy": "tasks.snowflake.stages",
    "SnowflakeGet": "tasks.snowflake.stages",
    "SnowflakePut": "tasks.snowflake.stages",
    "SnowflakeQueriesFromFile": "tasks.snowflake.query",
    "SnowflakeQuery": "tasks.snowflake.query",
    "SqlCheck": "tasks.sql.check",
    "SqlFolder": "tasks.sql.folder",
    "SqlTask": "tasks.sql.task",
    "StartFlowRun": "tasks.flow_runs",
    "Table": "tasks.datasets",
    "TableauRefresh": "tasks.reports.tableau",
    "WaitForFile": "tasks.files.waiting",
    "WaitForHttp": "tasks.http.wait",
    "create_flow_run": "tasks.flow_runs",
    "wait_for_flow_run": "tasks.flow_runs",
}
__all__ = [
    "Connection",
    "CopyFiles",
    "DbtBuild",
    "DbtShellTask",
    "DeleteFiles",
    "DuckDBQuery",
    "EnvVarSecret",
    "ExcelReport",
    "ExportTable",
    "GitClone",
    "HtmlReport",
    "HttpPaginate",
    "HttpRequest",
    "ListFiles",
    "LoadFiles",
    "LoadFromHttp",
    "MailReport",
    "MoveFiles",
    "Notify",
    "PostgresQuery",
    "PrefectSecret",
    "ProcessTask",
    "ShellTask",
    "SlackTask",
    "SnowflakeCompute",
    "SnowflakeCopy",
    "SnowflakeGet",
    "SnowflakePut",
    "SnowflakeQueriesFromFile",
    "SnowflakeQuery",
    "SqlCheck",
    "SqlFolder",
    "SqlTask",
    "StartFlowRun",
    "Table",
    "TableauRefresh",
    "WaitForFile",
    "WaitForHttp",
    "create_flow_run",
    "wait_for_flow_run",
]

__getattr__ = late_names(__name__, _HOMES)
