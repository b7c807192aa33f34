"""Enforces the guard rails: checks each resource before it reaches the engine.

Known inputs are checked immediately. An input that depends on another resource is checked when that
resource exists, and until then its own resource is not created.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import pulumi

from infra.guardrails import Resource, Violation, violations
from infra.stack import Stack

_LATER = ("member", "members", "role")
"""Inputs to wait for: they may be outputs of other resources."""


def enforce(stack: Stack) -> None:
    """Check every resource that is registered from now on."""
    pulumi.runtime.register_stack_transformation(_Look(stack))


class _Look:
    def __init__(self, stack: Stack) -> None:
        self._protects = stack.protects
        self._stops = stack.config.guardrails == "stop"

    def __call__(
        self, args: pulumi.ResourceTransformationArgs
    ) -> pulumi.ResourceTransformationResult | None:
        if not args.type_.startswith("gcp:"):
            return None
        inputs = {name: _plain(value) for name, value in args.props.items()}
        self._tell(args, inputs)
        later = {
            name: value.apply(partial(self._check_later, args, name))
            for name, value in args.props.items()
            if name in _LATER and isinstance(value, pulumi.Output)
        }
        if not later:
            return None
        return pulumi.ResourceTransformationResult({**args.props, **later}, args.opts)

    def _check_later(self, args: pulumi.ResourceTransformationArgs, name: str, value: Any) -> Any:
        self._tell(args, {name: value}, only_given=True)
        return value

    def _tell(
        self,
        args: pulumi.ResourceTransformationArgs,
        inputs: dict[str, Any],
        *,
        only_given: bool = False,
    ) -> None:
        resource = Resource(args.type_, args.name, inputs, self._protects)
        broken = [
            violation
            for violation in violations(resource)
            if not only_given or _is_of_grants(violation)
        ]
        if not broken:
            return
        text = "\n".join(f"guard rail: {violation}" for violation in broken)
        if self._stops:
            raise pulumi.RunError(text)
        pulumi.log.warn(text, args.resource)


def _is_of_grants(violation: Violation) -> bool:
    return violation.rail.id in {"SL-1", "SL-2", "SL-3", "SL-5"}


def _plain(value: Any) -> Any:
    """Return an input in the form of the checks: nested input types as mappings."""
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if hasattr(type(value), "_pulumi_input_type"):
        return {name: _plain(item) for name, item in vars(value).items()}
    return value
