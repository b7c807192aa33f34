"""The asynchronous API of a project: every operation as a coroutine, on any engine."""

from __future__ import annotations

from sightline.workspace.analysis_methods import AnalysisMethods
from sightline.workspace.argument_names import with_errors_in_python
from sightline.workspace.read_methods import ReadMethods
from sightline.workspace.run_methods import RunMethods


@with_errors_in_python
class AsyncWorkspace(RunMethods, ReadMethods, AnalysisMethods):
    """A project; methods that read take the same filters, ``where``: see ``Where``.

    Every method raises the errors of ``sightline.errors``; reading without a project raises
    ``NotFoundError``.
    """
