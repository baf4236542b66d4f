"""The report and the saved view of a project."""

from collections.abc import Sequence
from typing import Any

import wandb_workspaces.reports.v2 as wr
import wandb_workspaces.workspaces as ws

from experiments.report.document import Document
from experiments.report.markdown import markdown
from experiments.workspace.names import GROUPS
from experiments.workspace.panels import cluster_panels, curve_panels, score_panels

TITLE = "emocluster: comparisons"


def report_of(entity: str, project: str, scores: Sequence[str], documents: Sequence[Document]) -> wr.Report:
    """Scores by model, Q and size of U; curves; clusters; and the tables that were made.

    Run sets get no entity: with one, wandb-workspaces would ask the network for it.
    """
    blocks: list[Any] = [wr.TableOfContents()]
    for word, option in GROUPS.items():
        runs = wr.Runset(project=project, name=f"by {word}", groupby=[f"config.{option}"])
        blocks += [wr.H1(f"Test scores by {word}"), wr.PanelGrid(runsets=[runs], panels=score_panels(scores, option))]
    every = wr.Runset(project=project, name="all runs")
    blocks += [
        wr.H1("Curves"),
        wr.PanelGrid(runsets=[every], panels=curve_panels(option=GROUPS["model"])),
        wr.H1("Clusters"),
        wr.PanelGrid(runsets=[every], panels=cluster_panels()),
        wr.H1("Options that differ"),
        wr.PanelGrid(runsets=[every], panels=[wr.RunComparer(diff_only="split", layout=wr.Layout(w=24, h=12))]),
    ]
    for document in documents:
        blocks += [wr.H1(document.name), wr.MarkdownBlock(markdown(document))]
    description = "Made by `python -m experiments.dashboard`; change the code, not the report."
    return wr.Report(project=project, entity=entity, title=TITLE, description=description, blocks=blocks, width="fluid")


def workspace_of(entity: str, project: str, scores: Sequence[str]) -> ws.Workspace:
    """The same plots beside the list of runs, grouped by model."""
    sections = [
        ws.Section(name="Test scores", panels=score_panels(scores, GROUPS["model"]), is_open=True),
        ws.Section(name="Curves", panels=curve_panels(), is_open=True),
        ws.Section(name="Clusters", panels=cluster_panels()),
    ]
    grouped = ws.RunsetSettings(groupby=[ws.Config(GROUPS["model"])])
    return ws.Workspace(entity=entity, project=project, name="emocluster", sections=sections, runset_settings=grouped)
