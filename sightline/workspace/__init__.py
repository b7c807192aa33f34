"""The Python API: a project (settings and engine) behind methods, synchronous or asynchronous."""

from sightline.workspace.asynchronous import AsyncWorkspace
from sightline.workspace.hits import Hit, Hits
from sightline.workspace.opening import open_async, open_workspace
from sightline.workspace.synchronous import Workspace
from sightline.workspace.tables import Table

__all__ = ["AsyncWorkspace", "Hit", "Hits", "Table", "Workspace", "open_async", "open_workspace"]
