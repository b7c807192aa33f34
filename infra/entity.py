"""The base class of the program's entities: a component whose children wait for the APIs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pulumi

from infra.stack import Stack


class Entity(pulumi.ComponentResource):
    """One logical entity: a component with its resources as children."""

    def __init__(
        self, name: str, stack: Stack, *, needs: Sequence[pulumi.Resource] = (), **more: Any
    ) -> None:
        super().__init__(
            f"sightline:infra:{name.capitalize()}", name, None, pulumi.ResourceOptions(**more)
        )
        self.stack = stack
        self._needs = list(needs)

    def after_apis(self) -> pulumi.InvokeOutputOptions:
        """Return the options of a look-up that waits until the APIs are enabled."""
        return pulumi.InvokeOutputOptions(parent=self, depends_on=self._needs)

    def below(
        self, *after: pulumi.Resource, holds_data: bool = False, **more: Any
    ) -> pulumi.ResourceOptions:
        """Return a child's options; if it holds data, it is protected, or kept, as configured."""
        if holds_data:
            more = {
                "protect": self.stack.protects,
                "retain_on_delete": self.stack.config.keep_data,
                **more,
            }
        return pulumi.ResourceOptions(parent=self, depends_on=[*self._needs, *after], **more)
