"""The docs flow: let dbt write the catalogue of the warehouse, then publish it as a folder."""

from __future__ import annotations

from pathlib import Path

from orchestrator import Flow
from tasks import DbtShellTask, ShellTask

PROJECT = Path(__file__).resolve().parent.parent

generate_docs = DbtShellTask(
    "dbt docs generate", name="generate_docs", profiles_dir=str(PROJECT), project_dir=str(PROJECT)
)

# The new folder is complete before it takes the place of the old one.
publish_docs = ShellTask(
    """
rm -rf site.partial && mkdir site.partial
cp target/index.html target/catalog.json target/manifest.json site.partial/
rm -rf site && mv site.partial site
echo "published $PWD/site/index.html"
""",
    name="publish_docs",
    cwd=PROJECT,
)

with Flow("docs") as flow:
    generated = generate_docs()
    publish_docs(upstream_tasks=[generated])
