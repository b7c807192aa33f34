"""``sightline doctor --cloud``: a sound project, then each thing missing or refused in its turn."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sightline.gcp.credentials import GoogleTokens
from sightline.gcp.project_apis import ProjectApis, ServiceQuota
from sightline.operations.doctor import Examination, examine_project
from sightline.operations.doctor.model_quotas import quotas_of
from sightline.operations.doctor.pulumi_needs import APIS, ROLES
from sightline.settings import load_settings
from tests.cli.conftest import Command, Mistake, Shown
from tests.cli.google_project import EMBEDDING, NAME, GoogleProject, google_project, quota

Findings = dict[str, dict[str, Any]]
Examine = Callable[..., Findings]

USER = '"user:$(gcloud config get account)"'
GET = "cloudresourcemanager.projects.get"
BILLING = "cloudbilling.projects.getBillingInfo"
ENABLED = "serviceusage.services.batchGet"
PERMISSIONS = "cloudresourcemanager.projects.testIamPermissions"
QUOTAS = "serviceusage.services.consumerQuotaMetrics.list"
LOG_IN = "gcloud auth application-default login"


@pytest.fixture
def google(monkeypatch: pytest.MonkeyPatch) -> Iterator[GoogleProject]:
    with google_project() as project:
        monkeypatch.setenv("SIGHTLINE_GCP__ENDPOINT", project.url)
        yield project


@pytest.fixture
def examine(sightline: Command) -> Examine:
    """Return a function that runs ``doctor --cloud``: findings by what they are about."""

    def run(project: str = NAME, code: int = 0) -> Findings:
        findings = sightline("doctor", "--cloud", "--project", project, code=code)
        assert len({finding["what"] for finding in findings}) == len(findings)
        assert all(finding["ok"] or finding["mend"] for finding in findings)
        assert all("\n" not in finding["detail"] + finding["mend"] for finding in findings)
        return {finding["what"]: finding for finding in findings}

    return run


def failures(findings: Findings) -> dict[str, str]:
    return {what: finding["mend"] for what, finding in findings.items() if not finding["ok"]}


def test_a_sound_project_has_one_line_for_each_check(
    google: GoogleProject, examine: Examine
) -> None:
    findings = examine()
    assert failures(findings) == {}
    assert findings["project"]["detail"] == "my-project is active"
    assert findings["APIs"]["detail"] == f"{len(APIS)} are enabled"
    assert "5,000,000" in findings["quota of gemini-embedding-2"]["detail"]
    assert [*findings][-2:] == ["quota of gemini-3.5-flash-lite", "quota of gemini-embedding-2"]
    assert google.methods == [GET, BILLING, ENABLED, PERMISSIONS, QUOTAS, QUOTAS]


def test_the_project_itself_is_named_as_the_one_that_asks(
    google: GoogleProject, examine: Examine
) -> None:
    examine()
    assert google.headers["x-goog-user-project"] == NAME


def test_a_model_without_a_quota_of_its_own_is_not_reported_as_a_failure(
    google: GoogleProject, shown: Shown
) -> None:
    code, out, _ = shown("doctor", "--cloud", "--project", NAME)
    assert code == 0
    assert "--   quota of gemini-3.5-flash-lite: not checked: the project has none" in out


def test_the_project_and_the_models_of_the_settings_are_looked_at(
    google: GoogleProject, sightline: Command, tmp_path: Path
) -> None:
    sightline("init", "--project", NAME)
    text = (tmp_path / "sightline.toml").read_text()
    (tmp_path / "sightline.toml").write_text(text.replace("gemini-3.5-flash-lite", "gemini-4"))
    findings = sightline("doctor", "--cloud")
    assert "quota of gemini-4" in {finding["what"] for finding in findings}


def test_a_project_that_nobody_named_is_asked_for(examine: Examine, sightline: Command) -> None:
    findings = sightline("doctor", "--cloud", code=1)
    assert findings[-1]["what"] == "project"
    assert findings[-1]["mend"] == "sightline doctor --cloud --project PROJECT"


def test_a_project_that_is_not_there_leaves_the_other_checks(
    google: GoogleProject, examine: Examine
) -> None:
    google.refuse(BILLING, 403, "The caller does not have permission")
    findings = examine(project="another", code=1)
    assert failures(findings)["project"] == "gcloud projects list"
    assert "billing" in failures(findings)
    assert PERMISSIONS in google.methods


def test_a_project_that_is_being_deleted_is_restored(
    google: GoogleProject, examine: Examine
) -> None:
    google.plane.project.state = "DELETE_REQUESTED"
    assert failures(examine(code=1)) == {"project": "gcloud projects undelete my-project"}


def test_a_project_that_nobody_pays_for_is_linked(google: GoogleProject, examine: Examine) -> None:
    google.plane.project.billing_account = ""
    findings = examine(code=1)
    link = "gcloud billing projects link my-project --billing-account=ACCOUNT"
    assert failures(findings) == {"billing": link}
    assert "gcloud billing accounts list" in findings["billing"]["detail"]


def test_missing_apis_are_enabled_by_one_command(google: GoogleProject, examine: Examine) -> None:
    google.plane.project.enabled -= {"bigquerystorage.googleapis.com", "run.googleapis.com"}
    enable = "gcloud services enable bigquerystorage.googleapis.com run.googleapis.com"
    assert failures(examine(code=1)) == {"APIs": f"{enable} --project=my-project"}


@pytest.mark.parametrize("role", ROLES)
def test_each_missing_permission_names_the_role_that_has_it(
    google: GoogleProject, examine: Examine, role: str
) -> None:
    google.plane.project.denied = {ROLES[role][-1]}
    findings = examine(code=1)
    bind = "gcloud projects add-iam-policy-binding my-project"
    assert failures(findings) == {role: f"{bind} --member={USER} --role={role}"}
    assert ROLES[role][-1] in findings[role]["detail"]


def test_the_permissions_that_are_looked_for_fit_into_one_call() -> None:
    assert sum(map(len, ROLES.values())) <= 100


def test_a_quota_of_nothing_is_a_failure(google: GoogleProject, examine: Examine) -> None:
    google.plane.project.quotas = [quota(EMBEDDING, "0", base_model="gemini-embedding")]
    mend = failures(examine(code=1))["quota of gemini-embedding-2"]
    assert "console.cloud.google.com/iam-admin/quotas" in mend


@pytest.mark.parametrize(
    ("method", "subject", "host"),
    [
        (GET, "project", "cloudresourcemanager.googleapis.com"),
        (BILLING, "billing", "cloudbilling.googleapis.com"),
        (ENABLED, "APIs", "serviceusage.googleapis.com"),
        (QUOTAS, "quotas of the models", "serviceusage.googleapis.com"),
    ],
)
def test_an_api_that_is_disabled_is_enabled(
    google: GoogleProject, examine: Examine, method: str, subject: str, host: str
) -> None:
    google.refuse(method, 403, "It is disabled.", "SERVICE_DISABLED")
    enable = f"gcloud services enable {host} --project=my-project"
    assert failures(examine(code=1)) == {subject: enable}


def test_the_control_plane_itself_refuses_an_api_that_is_not_enabled(
    google: GoogleProject, examine: Examine
) -> None:
    google.plane.project.enabled.discard("cloudbilling.googleapis.com")
    enable = "gcloud services enable cloudbilling.googleapis.com --project=my-project"
    assert failures(examine(code=1)) == {"billing": enable}


def test_who_may_not_ask_in_the_project_s_name_is_granted_the_role(
    google: GoogleProject, examine: Examine
) -> None:
    google.refuse(
        ENABLED,
        403,
        "Caller does not have required permission to use project my-project. Grant the caller the"
        " roles/serviceusage.serviceUsageConsumer role.",
        "USER_PROJECT_DENIED",
    )
    mend = failures(examine(code=1))["APIs"]
    assert mend.endswith("--role=roles/serviceusage.serviceUsageConsumer")


@pytest.mark.parametrize("method", [GET, BILLING])
def test_expired_credentials_are_renewed(
    google: GoogleProject, examine: Examine, method: str
) -> None:
    google.refuse(method, 401, "Request had invalid authentication credentials.")
    mends = failures(examine(code=1))
    assert set(mends.values()) == {LOG_IN}


def test_expired_credentials_are_one_line(google: GoogleProject, examine: Examine) -> None:
    google.refuse(GET, 401, "Request had invalid authentication credentials.")
    findings = examine(code=1)
    assert list(findings)[-1] == "credentials"
    assert google.methods == [GET]


def test_without_credentials_one_line_says_how_to_get_them(
    examine: Examine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    findings = examine(code=1)
    assert failures(findings) == {"credentials": LOG_IN}
    assert findings["credentials"]["detail"] == "no Google credentials were found"


@pytest.mark.parametrize(
    ("code", "message"), [(429, "ServiceQuota exceeded."), (500, "Internal"), (503, "Unavailable")]
)
def test_what_passes_by_itself_is_not_taken_for_missing(
    google: GoogleProject, examine: Examine, code: int, message: str
) -> None:
    google.refuse(BILLING, code, message)
    mends = failures(examine(code=1))
    assert set(mends) == {"billing"}
    assert "`sightline doctor` again" in mends["billing"]


def examined(timeout_s: float) -> Examination:
    return asyncio.run(
        examine_project(
            lambda options: load_settings(overrides=options), project=NAME, timeout_s=timeout_s
        )
    )


@pytest.mark.parametrize("method", [GET, BILLING, ENABLED, PERMISSIONS, QUOTAS])
def test_a_call_that_is_never_answered_ends(
    google: GoogleProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    monkeypatch.chdir(tmp_path)
    google.silent = {method}
    failed = [finding for finding in examined(0.2).findings if finding.failed]
    assert len(failed) == 1
    assert "is out of reach" in failed[0].detail
    assert failed[0].remedy.startswith("look at the network")


def test_where_google_is_out_of_reach_it_is_asked_once(
    google: GoogleProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    google.silent = {GET, BILLING, ENABLED, PERMISSIONS, QUOTAS}
    last = examined(0.2).findings[-1]
    assert "Google is out of reach" in last.detail
    assert google.methods == [GET]


@pytest.mark.parametrize("body", [[], "text", {"error": "text"}, {"error": {"details": "text"}}])
def test_an_answer_of_another_form_is_a_failure_of_one_line(
    google: GoogleProject, examine: Examine, body: object
) -> None:
    google.refusals[BILLING] = (403, body)
    assert set(failures(examine(code=1))) == {"billing"}


def test_options_that_do_not_go_together_are_refused(mistake: Mistake) -> None:
    mistake("doctor", "--cloud", "--call-models", says="--call-models")
    mistake("doctor", "--project", NAME, says="--cloud")


def test_no_more_apis_are_asked_about_at_once_than_google_takes(google: GoogleProject) -> None:
    many = [f"api{number}.googleapis.com" for number in range(45)]
    google.plane.project.enabled |= set(many)
    with ProjectApis.open(NAME, GoogleTokens.fixed("emulator").credentials, google.url) as apis:
        assert apis.enabled(many) == frozenset(many)
    assert google.methods == [ENABLED] * 3


def a_quota(limit: int, **dimensions: str) -> ServiceQuota:
    return ServiceQuota("a/b", "1/min", limit, dimensions)


@pytest.mark.parametrize(
    ("model", "base"),
    [
        ("gemini-embedding-2", "gemini-embedding"),
        ("gemini-embedding-001", "gemini-embedding"),
        ("multimodalembedding@001", "multimodalembedding"),
        ("gemini-3.5-flash-lite", "gemini-3.5-flash-lite"),
    ],
)
def test_a_base_model_stands_for_its_versions(model: str, base: str) -> None:
    assert quotas_of(model, "global", [a_quota(5, base_model=base)])


@pytest.mark.parametrize("base", ["gemini-3.5-flash", "gemini", "flash-lite", ""])
def test_a_base_model_does_not_stand_for_another_model(base: str) -> None:
    assert not quotas_of("gemini-3.5-flash-lite", "global", [a_quota(5, base_model=base)])


def test_the_quota_of_the_location_comes_before_that_of_all() -> None:
    model = "gemini-embedding"
    quotas = [
        a_quota(1, base_model=model),
        a_quota(2, base_model=model, region="europe-west4"),
        a_quota(3, base_model=model, region="us-central1"),
    ]
    assert [applied.limit for applied in quotas_of(model, "europe-west4", quotas)] == [2]
    assert [applied.limit for applied in quotas_of(model, "us-east1", quotas)] == [1]
