"""The program: reads the configuration, enforces the guard rails, creates the environment.

``infra/__main__.py`` calls it for ``pulumi up``; tests call it as an inline program.
"""

from __future__ import annotations

import pulumi
import pulumi_gcp as gcp
from pulumi.runtime import config as pulumi_config

from infra import accounts, arrivals, batch, landing, messaging, reports, warehouse
from infra.accounts import Accounts
from infra.arrivals import Arrivals
from infra.batch import Batch
from infra.enforcement import enforce
from infra.fleet import GRANTS as FLEET_GRANTS
from infra.fleet import Fleet
from infra.landing import Landing
from infra.messaging import Messaging
from infra.outputs import outputs
from infra.reports import Reports
from infra.services import Services
from infra.stack import Stack
from infra.stack_config import NAMESPACE
from infra.stack_reader import WrongConfigurationError, read_stack
from infra.warehouse import Warehouse
from infra.watch import Watch

GRANTS = (
    *accounts.GRANTS,
    *landing.GRANTS,
    *warehouse.GRANTS,
    *batch.GRANTS,
    *messaging.GRANTS,
    *reports.GRANTS,
    *arrivals.GRANTS,
    *FLEET_GRANTS,
)
"""Every role that any stack may grant."""


def program(provider: gcp.Provider | None = None) -> None:
    """Create the environment that the stack's configuration describes.

    ``provider`` replaces Google's own endpoints, in tests.

    Raises:
        pulumi.RunError: the configuration is invalid, or a resource violates a guard rail.
    """
    stack = configured()
    enforce(stack)
    environment(stack, provider or _google(stack))


def _google(stack: Stack) -> gcp.Provider:
    """Return Google's provider; with user credentials, budgets need a quota project."""
    asks_for_budget = bool(stack.config.budget_usd)
    return gcp.Provider(
        "google",
        project=stack.project,
        region=stack.region,
        billing_project=stack.project if asks_for_budget else None,
        user_project_override=True if asks_for_budget else None,
    )


def configured() -> Stack:
    """Return the stack of this run.

    Raises:
        pulumi.RunError: its configuration is invalid; the message has one line per fault.
    """
    prefix = f"{NAMESPACE}:"
    values = {
        name.removeprefix(prefix): str(value)
        for name, value in _all_configuration().items()
        if name.startswith(prefix)
    }
    try:
        return read_stack(values, pulumi.get_stack())
    except WrongConfigurationError as error:
        raise pulumi.RunError(str(error)) from error


def _all_configuration() -> dict[str, str]:
    return {**pulumi_config.get_config_env(), **pulumi_config.CONFIG.get()}


def environment(stack: Stack, google: gcp.Provider) -> None:
    """Create all entities, each after those it depends on, and export the outputs."""
    below = {"providers": [google]}
    services = Services(stack, **below)
    people = Accounts(stack, needs=services.enabled, **below)
    images = Landing(stack, services, people, **below)
    queue = Messaging(stack, services, people, **below)
    seen = Reports(stack, services, people, **below)
    store = Warehouse(stack, services, people, images, **below)
    Batch(stack, services, people, **below)
    if stack.config.notify_new_images:
        Arrivals(stack, services, images, store, **below)
    opened = [people, images, queue, seen, store]
    fleet = Fleet(stack, services, people, opened=opened, **below)
    watched = Watch(stack, services, **below)
    for name, value in outputs(stack, images, store, fleet, watched).items():
        pulumi.export(name, value)
