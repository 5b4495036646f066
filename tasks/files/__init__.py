"""Tasks on files, anywhere that fsspec reaches: copy, list, wait for, delete, load, export."""

from __future__ import annotations

from tasks.files.copying import CopyFiles, MoveFiles
from tasks.files.deleting import DeleteFiles
from tasks.files.exporting import ExportTable
from tasks.files.formats import Csv, Excel, Json, Parquet
from tasks.files.listing import ListFiles
from tasks.files.loading import LoadFiles
from tasks.files.waiting import WaitForFile

__all__ = [
    "CopyFiles",
    "Csv",
    "DeleteFiles",
    "Excel",
    "ExportTable",
    "Json",
    "ListFiles",
    "LoadFiles",
    "MoveFiles",
    "Parquet",
    "WaitForFile",
]
