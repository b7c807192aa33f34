"""Monitoring: the dashboard, alerts with their runbooks, the budget."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_gcp as gcp

from infra.dashboard import dashboard
from infra.entity import Entity
from infra.services import Services
from infra.stack import Stack

STUCK_S = 1800
"""How long no message may be settled, despite a backlog, before an alert."""
THRESHOLDS = (0.5, 0.9, 1.0)
"""Shares of the budget at which a notification is sent."""

monitoring = gcp.monitoring
Condition = monitoring.AlertPolicyConditionArgs
Threshold = monitoring.AlertPolicyConditionConditionThresholdArgs


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert: its runbook is ``docs/runbooks/<name>.md``."""

    name: str
    says: str
    first_step: str
    severity: str = "WARNING"


BACKLOG_OLD = Alert(
    "backlog-old",
    "the oldest message has waited for longer than the configured limit",
    "check whether workers run, and the quota their limiter found",
)
ABANDONED = Alert(
    "abandoned-messages",
    "Pub/Sub gave up on messages: a hundred deliveries each, and no worker settled them",
    "`sightline dead-letters list`, and the workers' log",
    "ERROR",
)
DEAD_LETTERS = Alert(
    "dead-letters",
    "unusually many parts become dead letters",
    "`sightline dead-letters list` counts them by reason; docs/dead-letters.md says what to do",
)
NO_PROGRESS = Alert(
    "no-progress",
    "there is a backlog, and no worker has settled a message for half an hour",
    "read the workers' log: a worker that cannot do its job ends, and logs the reason",
    "CRITICAL",
)
BUDGET = Alert(
    "budget",
    "the project's costs of this month approach the budget",
    "`sightline status` shows what each run has cost; `sightline cancel RUN` ends one",
)
ALERTS: tuple[Alert, ...] = (BACKLOG_OLD, ABANDONED, DEAD_LETTERS, NO_PROGRESS, BUDGET)

DEAD_SHARE = 0.05
"""The share of parts that may become dead letters before an alert."""


class Watch(Entity):
    """One dashboard, one policy per alert, and a channel for notifications, if configured."""

    def __init__(self, stack: Stack, services: Services, **more: Any) -> None:
        super().__init__("watch", stack, needs=services.enabled, **more)
        self.channels = [self._channel()] if stack.config.alert_email else []
        self.dashboard = monitoring.Dashboard(
            "dashboard",
            project=stack.project,
            dashboard_json=json.dumps(dashboard(stack), sort_keys=True),
            opts=self.below(),
        )
        self._policy(BACKLOG_OLD, [self._backlog_old()])
        self._policy(ABANDONED, [self._abandoned()])
        self._policy(NO_PROGRESS, [self._backlog(), self._nothing_settled()])
        if stack.runs_on_gke or stack.config.collector_image:
            self._policy(DEAD_LETTERS, [self._dead_letters()])
        if stack.config.budget_usd:
            self._budget(stack.config.budget_usd)
        self.register_outputs({})

    def _channel(self) -> monitoring.NotificationChannel:
        return monitoring.NotificationChannel(
            "channel",
            project=self.stack.project,
            display_name=f"{self.stack.names.of()}: mail",
            type="email",
            labels={"email_address": self.stack.config.alert_email},
            user_labels=self.stack.labels,
            opts=self.below(),
        )

    def _policy(self, alert: Alert, conditions: Sequence[Condition]) -> None:
        monitoring.AlertPolicy(
            f"alert-{alert.name}",
            project=self.stack.project,
            display_name=f"{self.stack.names.of()}: {alert.name}",
            combiner="AND",
            conditions=list(conditions),
            severity=alert.severity,
            notification_channels=[channel.id for channel in self.channels],
            documentation=monitoring.AlertPolicyDocumentationArgs(
                content=self._runbook(alert), mime_type="text/markdown"
            ),
            alert_strategy=monitoring.AlertPolicyAlertStrategyArgs(auto_close="604800s"),
            user_labels=self.stack.labels,
            opts=self.below(),
        )

    def _runbook(self, alert: Alert) -> str:
        base = self.stack.config.runbook_url.rstrip("/")
        page = f"docs/runbooks/{alert.name}.md"
        where = f"[{page}]({base}/{alert.name}.md)" if base else page
        return f"{alert.says}.\n\nFirst: {alert.first_step}.\n\nRunbook: {where}"

    def _of_work(self, metric: str) -> str:
        return (
            f'metric.type = "pubsub.googleapis.com/subscription/{metric}" AND resource.type ='
            f' "pubsub_subscription" AND resource.labels.subscription_id ='
            f' "{self.stack.names.of("work")}"'
        )

    def _backlog_old(self) -> Condition:
        return _above(
            "the oldest message is too old",
            self._of_work("oldest_unacked_message_age"),
            float(self.stack.config.backlog_alert_s),
            aligner="ALIGN_MAX",
            for_s=300,
        )

    def _abandoned(self) -> Condition:
        counted = self._of_work("dead_letter_message_count")
        return _above(
            "messages reached the dead-letter topic", counted, 0.0, aligner="ALIGN_DELTA", for_s=0
        )

    def _backlog(self) -> Condition:
        waiting = self._of_work("num_undelivered_messages")
        return _above("there is a backlog", waiting, 0.0, aligner="ALIGN_MIN", for_s=STUCK_S)

    def _nothing_settled(self) -> Condition:
        return Condition(
            display_name="nothing is settled",
            condition_threshold=Threshold(
                filter=self._of_work("ack_message_count"),
                comparison="COMPARISON_LT",
                threshold_value=1.0,
                duration=f"{STUCK_S}s",
                evaluation_missing_data="EVALUATION_MISSING_DATA_ACTIVE",
                aggregations=[_aligned("ALIGN_DELTA")],
            ),
        )

    def _dead_letters(self) -> Condition:
        dead = "sum(rate(sightline_dead_letters_total[15m]))"
        rows = "sum(rate(sightline_rows_written_total[15m]))"
        query = monitoring.AlertPolicyConditionConditionPrometheusQueryLanguageArgs
        return Condition(
            display_name="many parts become dead letters",
            condition_prometheus_query_language=query(
                query=f"{dead} / ({dead} + {rows}) > {DEAD_SHARE}",
                duration="900s",
                evaluation_interval="60s",
                disable_metric_validation=True,
            ),
        )

    def _budget(self, usd: int) -> None:
        billing, chosen = gcp.billing, self.stack.config
        project = gcp.organizations.get_project_output(
            project_id=self.stack.project, opts=self.after_apis()
        )
        notified = billing.BudgetAllUpdatesRuleArgs(
            monitoring_notification_channels=[channel.id for channel in self.channels],
            disable_default_iam_recipients=False,
        )
        billing.Budget(
            "budget",
            billing_account=chosen.billing_account,
            display_name=self.stack.names.of("budget"),
            amount=billing.BudgetAmountArgs(
                specified_amount=billing.BudgetAmountSpecifiedAmountArgs(
                    currency_code="USD", units=str(usd)
                )
            ),
            budget_filter=billing.BudgetBudgetFilterArgs(
                projects=[pulumi.Output.concat("projects/", project.number)]
            ),
            threshold_rules=[
                billing.BudgetThresholdRuleArgs(threshold_percent=share) for share in THRESHOLDS
            ],
            all_updates_rule=notified if self.channels else None,
            opts=self.below(),
        )


def _aligned(aligner: str) -> monitoring.AlertPolicyConditionConditionThresholdAggregationArgs:
    return monitoring.AlertPolicyConditionConditionThresholdAggregationArgs(
        alignment_period="300s", per_series_aligner=aligner, cross_series_reducer="REDUCE_SUM"
    )


def _above(title: str, what: str, value: float, *, aligner: str, for_s: int) -> Condition:
    return Condition(
        display_name=title,
        condition_threshold=Threshold(
            filter=what,
            comparison="COMPARISON_GT",
            threshold_value=value,
            duration=f"{for_s}s",
            aggregations=[_aligned(aligner)],
        ),
    )
