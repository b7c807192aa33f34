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
        "import": ("importing:import_", "Make observations of photographs or a table."),
        "tasks": ("tasks:app", "List, show, check and begin tasks."),
    },
    "Run": {
        "estimate": ("estimate:estimate", "Say what a run would cost, before it does."),
        "pilot": ("pilot:pilot", "Try a sample, and say what the rest would cost."),
        "enqueue": ("enqueue:enqueue", "Publish what is not known yet."),
        "work": ("work:work", "Classify and embed what is queued."),
        "status": ("status:status", "Show where every part of every run is."),
        "budget": ("budget:budget", "Show and change what a run may cost."),
        "cancel": ("cancel:cancel", "End a run, its messages included."),
        "dead-letters": ("dead_letters:app", "List, replay and purge dead letters."),
    },
    "Look": {
        "search": ("search:search", "Find images by words or by an image."),
        "similar": ("similar:similar", "Find images like another."),
        "stats": ("stats:stats", "Count answers, cross them, and check them."),
        "sql": ("upkeep:sql", "Ask the warehouse in SQL."),
        "export": ("export:export", "Write answers as Parquet, GeoJSON, CSV or examples."),
    },
    "Decide": {
        "consolidate": ("consolidate:consolidate", "Make one answer an asset of several."),
        "outliers": ("outliers:outliers", "Find answers that their neighbours contradict."),
        "changes": ("changes:changes", "Compare two snapshots, or two times."),
        "duplicates": ("duplicates:duplicates", "Group images that are nearly the same."),
        "evaluate": ("evaluate:evaluate", "Compare answers with ground truth."),
        "tune": ("tune:app", "Tune a model with your answers, and compare it with its base."),
    },
    "Look after": {
        "doctor": ("doctor:doctor", "Check what the job needs."),
        "compact": ("upkeep:compact", "Merge the warehouse's small files."),
        "index": ("index:app", "Make, show and drop the index of vectors."),
    },
    "Google Cloud": {
        "subscribe": ("subscribe:subscribe", "Make an Imagery Insights listing the source."),
        "upload": ("upload:upload", "Bring photographs into a bucket."),
        "setup": ("setup:setup", "Make tables, topics and subscriptions."),
        "config": ("config:app", "Make the settings file."),
        "models": ("models:app", "List and drop BigQuery's remote models."),
        "simulate": ("simulate:app", "Run a stand-in for a service that costs money."),
    },
}

COMMANDS: Mapping[str, LazyCommand] = {
    name: LazyCommand(name, f"{_COMMANDS}.{target}", short_help=short_help, group=group)
    for group, commands in _GROUPS.items()
    for name, (target, short_help) in commands.items()
}
