"""The docs flow: let dbt write the catalogue of the warehouse, then publish it as a folder."""

from __future__ import annotations

from pathlib import Path

from orchestrator import Flow
from tasks import DbtShellTask, ShellTask

PROJECT = Path(__file__).resolve().parent.parent

generate_docs = DbtShellTask(
    name="generate_docs",
    profiles_dir=str(PROJECT),
    helper_script='cd "$PROJECT"',
    env={"PROJECT": str(PROJECT)},
)

# The new folder is complete before it takes the place of the old one.
publish_docs = ShellTask(
    name="publish_docs",
    helper_script='cd "$PROJECT"',
    env={"PROJECT": str(PROJECT)},
    command="""
rm -rf site.partial && mkdir site.partial
cp target/index.html target/catalog.json target/manifest.json site.partial/
rm -rf site && mv site.partial site
echo "published $PROJECT/site/index.html"
""",
)

with Flow("docs") as flow:
    generated = generate_docs(command="dbt docs generate")
    publish_docs(upstream_tasks=[generated])
