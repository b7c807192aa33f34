"""One policy per guard rail, with the same checks."""

from __future__ import annotations

from typing import Any

from infra.guardrails import RAILS, Rail, Resource, snake

PACK = "sightline"


def make_pack(library: Any) -> Any:
    """Return the pack, created with the module ``pulumi_policy``."""
    policies = [_policy(library, rail) for rail in RAILS]
    return library.PolicyPack(PACK, policies, library.EnforcementLevel.MANDATORY)


def _policy(library: Any, rail: Rail) -> Any:
    def validate(args: Any, report: Any) -> None:
        options = getattr(args, "opts", None)
        protects = bool(getattr(options, "protect", False))
        resource = Resource(args.resource_type, args.name, snake(dict(args.props)), protects)
        for detail in rail.check(resource):
            report(f"{args.name}: {detail}; {rail.why}")

    also = f" ({', '.join(rail.also)})" if rail.also else ""
    return library.ResourceValidationPolicy(
        name=rail.id.lower(), description=f"{rail.what}{also}", validate=validate
    )
