"""What ``sightline subscribe`` shows."""

from __future__ import annotations

from sightline.cli.output import remark, say
from sightline.operations.subscribe import ListingSubscription


def subscription_json(result: ListingSubscription) -> dict[str, object]:
    """Return the document of ``--json``."""
    return {
        "subscription": result.name,
        "existed": result.existed,
        "dataset": result.dataset,
        "location": result.location,
        "sources": [{"source": source.table, "layout": source.layout} for source in result.sources],
    }


def print_subscription(result: ListingSubscription) -> None:
    """Print the linked dataset, and the settings that make a table of it the source."""
    say(f"{'subscribed already' if result.existed else 'subscribed'}: {result.dataset}")
    if not result.sources:
        remark(
            f"no table of observations is in {result.dataset}; set bigquery.source to the table you"
            " want"
        )
        return
    first, *others = result.sources
    say("this makes it the source, in the settings file:")
    say(f'\n[bigquery]\nsource = "{first.table}"\nlayout = "{first.layout}"')
    for other in others:
        say(f'# or source = "{other.table}" with layout = "{other.layout}"')
    if result.elsewhere:
        say(f'location = "{result.location}"')
    remark("next: `sightline doctor` checks the source")
