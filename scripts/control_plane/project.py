"""The project: which APIs it has enabled, which accounts there are, and what it subscribes to.

These APIs have verbs of their own, that no rule for all of them covers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from scripts.control_plane.calls import Call, key_of
from scripts.control_plane.discovery import RefusedError
from scripts.control_plane.operations import Operations
from scripts.control_plane.resources import EPOCH, PROJECT_NUMBER, agent

FROM_THE_START = (
    "bigquery", "bigquerystorage", "cloudapis", "logging", "monitoring", "servicemanagement",
    "serviceusage", "storage",
)  # fmt: skip
"""The APIs that a new project has."""
_CONSOLE = "https://console.developers.google.com/apis/api"


def _enabled_at_first() -> set[str]:
    return {f"{service}.googleapis.com" for service in FROM_THE_START}


@dataclass
class Project:
    """A project; ``accounts`` are the service accounts that Google itself has made in it.

    ``billing_account`` pays for it, if any; ``denied`` are the permissions on it that the caller
    has not; ``quotas`` are metrics of any API, as Google lists them.
    """

    name: str
    operations: Operations
    resources: dict[str, dict[str, Any]]
    enabled: set[str] = field(default_factory=_enabled_at_first)
    accounts: set[str] = field(default_factory=set)
    state: str = "ACTIVE"
    billing_account: str = ""
    denied: set[str] = field(default_factory=set)
    quotas: list[Mapping[str, Any]] = field(default_factory=list)

    def check_enabled(self, host: str) -> None:
        """Refuse calls of an API that the project has not enabled.

        Raises:
            RefusedError: it is not enabled.
        """
        if host not in self.enabled:
            raise RefusedError(
                403,
                "PERMISSION_DENIED",
                f"{host} has not been used in project {PROJECT_NUMBER} before or it is disabled."
                f" Enable it by visiting {_CONSOLE}/{host}/overview?project={PROJECT_NUMBER}.",
                "accessNotConfigured",
            )

    def account_exists(self, email: str) -> bool:
        """Return whether Google knows a service account; those of other projects are believed."""
        is_own = email.endswith(f"@{self.name}.iam.gserviceaccount.com")
        if not is_own and f"-{PROJECT_NUMBER}" not in email:
            return True
        key = key_of("iam", f"projects/{self.name}/serviceAccounts/{email}")
        return key in self.resources or email in self.accounts

    def answer(self, call: Call) -> Mapping[str, Any] | None:
        """Answer a call of a verb that is known here, and no other."""
        rule = {
            "analyticshub.projects.locations.dataExchanges.listings.subscribe": self._subscribe,
            "analyticshub.projects.locations.subscriptions.delete": self._unsubscribe,
            "cloudbilling.projects.getBillingInfo": self._billing,
            "cloudresourcemanager.projects.get": self._get,
            "cloudresourcemanager.projects.testIamPermissions": self._test_permissions,
            "serviceusage.services.batchEnable": self._enable,
            "serviceusage.services.batchGet": self._batch_get,
            "serviceusage.services.consumerQuotaMetrics.list": self._quotas,
            "serviceusage.services.disable": self._disable,
            "serviceusage.services.enable": self._enable,
            "serviceusage.services.generateServiceIdentity": self._generate_identity,
            "serviceusage.services.get": self._get_service,
            "serviceusage.services.list": self._list_services,
            "storage.projects.serviceAccount.get": self._storage_agent,
        }.get(call.method.name)
        return None if rule is None else rule(call)

    def _get(self, call: Call) -> Mapping[str, Any]:
        if call.name != f"projects/{self.name}":
            raise RefusedError(403, "PERMISSION_DENIED", "The caller does not have permission")
        if "lifecycleState" in call.fields:  # version 1
            return {
                "projectId": self.name,
                "projectNumber": PROJECT_NUMBER,
                "name": self.name,
                "lifecycleState": self.state,
            }
        return {
            "projectId": self.name,
            "name": f"projects/{PROJECT_NUMBER}",
            "displayName": self.name,
            "state": self.state,
        }

    def _billing(self, _: Call) -> Mapping[str, Any]:
        shown = {"name": f"projects/{self.name}/billingInfo", "projectId": self.name}
        if not self.billing_account:
            return shown
        account = f"billingAccounts/{self.billing_account}"
        return {**shown, "billingAccountName": account, "billingEnabled": True}

    def _test_permissions(self, call: Call) -> Mapping[str, Any]:
        permissions = call.body.get("permissions", [])
        granted = [permission for permission in permissions if permission not in self.denied]
        return {"permissions": granted} if granted else {}

    def _quotas(self, call: Call) -> Mapping[str, Any]:
        """Answer with one metric a page, so that pages are turned."""
        at = int(call.query.get("pageToken", "0"))
        page: dict[str, Any] = {"metrics": self.quotas[at : at + 1]}
        if at + 1 < len(self.quotas):
            page["nextPageToken"] = str(at + 1)
        return page

    def _service(self, host: str) -> Mapping[str, Any]:
        parent = f"projects/{PROJECT_NUMBER}"
        return {
            "name": f"{parent}/services/{host}",
            "parent": parent,
            "state": "ENABLED" if host in self.enabled else "DISABLED",
            "config": {"name": host},
        }

    def _get_service(self, call: Call) -> Mapping[str, Any]:
        return self._service(_last(call.name))

    def _list_services(self, _: Call) -> Mapping[str, Any]:
        return {"services": [self._service(service) for service in sorted(self.enabled)]}

    def _batch_get(self, call: Call) -> Mapping[str, Any]:
        names = call.query.get("names", "").split(",")
        return {"services": [self._service(_last(name)) for name in names]}

    def _enable(self, call: Call) -> Mapping[str, Any]:
        hosts = call.body.get("serviceIds", [_last(call.name)])
        self.enabled |= set(hosts)
        return self.operations.begin(
            call, "", {"services": [self._service(host) for host in hosts]}
        )

    def _disable(self, call: Call) -> Mapping[str, Any]:
        self.enabled.discard(_last(call.name))
        return self.operations.begin(call, "", {"service": self._get_service(call)})

    def _generate_identity(self, call: Call) -> Mapping[str, Any]:
        host = _last(call.name)
        self.check_enabled(host)
        email = agent(host)
        self.accounts.add(email)
        return self.operations.begin(call, "", {"email": email, "uniqueId": "1"})

    def _storage_agent(self, _: Call) -> Mapping[str, Any]:
        email = agent("storage")
        self.accounts.add(email)
        return {"email_address": email, "kind": "storage#serviceAccount"}

    def _subscribe(self, call: Call) -> Mapping[str, Any]:
        at = call.body["destinationDataset"]
        dataset = at["datasetReference"]["datasetId"]
        where = f"projects/{self.name}/locations/{at['location'].lower()}"
        name = f"{where}/subscriptions/{dataset}"
        if key_of(call.service, name) in self.resources:
            raise RefusedError(409, "ALREADY_EXISTS", f"Resource '{name}' already exists")
        linked = {"linkedDataset": f"projects/{self.name}/datasets/{dataset}"}
        subscription = {
            "name": name,
            "listing": call.name,
            "state": "STATE_ACTIVE",
            "creationTime": EPOCH,
            "lastModifyTime": EPOCH,
            "organizationId": "1",
            "resourceType": "BIGQUERY_DATASET",
            "linkedDatasetMap": {"dataset": linked},
            "destinationDataset": at,
        }
        self.resources[key_of(call.service, name)] = subscription
        self.resources[key_of("bigquery", linked["linkedDataset"])] = {
            **at,
            "access": [{"role": "OWNER", "specialGroup": "projectOwners"}],
            "type": "LINKED",
        }
        return {"subscription": subscription}

    def _unsubscribe(self, call: Call) -> Mapping[str, Any]:
        gone = self.resources.pop(call.key, None)
        if gone is None:
            raise RefusedError(404, "NOT_FOUND", f"Resource '{call.name}' was not found")
        linked = gone["linkedDatasetMap"]["dataset"]["linkedDataset"]
        self.resources.pop(key_of("bigquery", linked), None)
        return self.operations.begin(call, call.name, {})


def _last(name: str) -> str:
    return name.rpartition("/")[2]
