"""A project behind coroutines: every operation, on whatever engine the settings name."""

from __future__ import annotations

from sightline.workspace.analysis_methods import AnalysisMethods
from sightline.workspace.read_methods import ReadMethods
from sightline.workspace.run_methods import RunMethods


class AsyncWorkspace(RunMethods, ReadMethods, AnalysisMethods):
    """A project; methods that read take the same filters, ``where``: see ``Where``.

    Every method raises the errors of ``sightline.errors``; reading where there is no project
    raises ``NotFoundError``.
    """
