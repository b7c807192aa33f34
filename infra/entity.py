"""What the entities of the program share: a component whose children wait for the APIs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pulumi

from infra.stack import Stack


class Entity(pulumi.ComponentResource):
    """One logical entity: a component with all it is made of below it."""

    def __init__(
        self, name: str, stack: Stack, *, needs: Sequence[pulumi.Resource] = (), **more: Any
    ) -> None:
        super().__init__(
            f"sightline:infra:{name.capitalize()}", name, None, pulumi.ResourceOptions(**more)
        )
        self.stack = stack
        self._needs = list(needs)

    def after_apis(self) -> pulumi.InvokeOutputOptions:
        """Return the options of a look-up, which is not made before the APIs are enabled."""
        return pulumi.InvokeOutputOptions(parent=self, depends_on=self._needs)

    def below(
        self, *after: pulumi.Resource, holds_data: bool = False, **more: Any
    ) -> pulumi.ResourceOptions:
        """Return the options of a child; what holds data is protected, or kept, as is chosen."""
        if holds_data:
            more = {
                "protect": self.stack.protects,
                "retain_on_delete": self.stack.config.keep_data,
                **more,
            }
        return pulumi.ResourceOptions(parent=self, depends_on=[*self._needs, *after], **more)
