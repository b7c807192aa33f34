"""The commands by group, each with its module and its line in ``sightline --help``."""

from __future__ import annotations

from collections.abc import Mapping

from sightline.cli.lazy_command import LazyCommand

_COMMANDS = "sightline.cli.commands"

_GROUPS: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "Begin": {
        "demo": ("demo:demo", "The whole job on rendered scenes."),
        "render": ("render:render", "Draw posters, paintings, portraits or streets."),
        "init": ("init:init", "Write a settings file."),
        "import": ("importing:import_", "Import photographs or a table as observations."),
        "tasks": ("tasks:app", "List, show, check and create tasks."),
    },
    "Run": {
        "estimate": ("estimate:estimate", "Estimate what a run would cost."),
        "pilot": ("pilot:pilot", "Process a sample, and project the cost of the rest."),
        "enqueue": ("enqueue:enqueue", "Publish the parts that have no result yet."),
        "work": ("work:work", "Classify and embed what is queued."),
        "status": ("status:status", "Show the state of every part of every run."),
        "budget": ("budget:budget", "Show and change what a run may cost."),
        "cancel": ("cancel:cancel", "Cancel a run and drop its messages."),
        "dead-letters": ("dead_letters:app", "List, replay and purge dead letters."),
    },
    "Look": {
        "gallery": ("gallery:gallery", "Serve a page of the images, the map and the runs."),
        "search": ("search:search", "Find images by words or by an image."),
        "similar": ("similar:similar", "Find images similar to another."),
        "stats": ("stats:stats", "Count answers, cross them, and check them."),
        "sql": ("upkeep:sql", "Query the warehouse in SQL."),
        "export": ("export:export", "Write answers as Parquet, GeoJSON, CSV or examples."),
    },
    "Decide": {
        "consolidate": ("consolidate:consolidate", "Combine several answers into one per asset."),
        "outliers": ("outliers:outliers", "Find answers that similar images contradict."),
        "changes": ("changes:changes", "Compare two snapshots, or two times."),
        "duplicates": ("duplicates:duplicates", "Group near-duplicate images."),
        "evaluate": ("evaluate:evaluate", "Compare answers with ground truth."),
        "tune": ("tune:app", "Tune a model with your answers, and compare it with its base."),
    },
    "Maintain": {
        "doctor": ("doctor:doctor", "Check what the job needs."),
        "compact": ("upkeep:compact", "Merge the warehouse's small files."),
        "index": ("index:app", "Create, show and drop the index of vectors."),
    },
    "Google Cloud": {
        "subscribe": ("subscribe:subscribe", "Use an Imagery Insights listing as the source."),
        "upload": ("upload:upload", "Upload photographs to a bucket."),
        "setup": ("setup:setup", "Create tables, topics and subscriptions."),
        "config": ("config:app", "Create the settings file."),
        "models": ("models:app", "List and drop BigQuery's remote models."),
        "simulate": ("simulate:app", "Run a stand-in for a service that costs money."),
    },
}

COMMANDS: Mapping[str, LazyCommand] = {
    name: LazyCommand(name, f"{_COMMANDS}.{target}", short_help=short_help, group=group)
    for group, commands in _GROUPS.items()
    for name, (target, short_help) in commands.items()
}
