"""The policy pack wraps the same checks; a stand-in keeps what ``pulumi_policy`` is called with."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from infra.guardrails import RAILS
from infra.policy.pack import make_pack
from tests.conftest import CHECKOUT

LIBRARY = SimpleNamespace(
    EnforcementLevel=SimpleNamespace(MANDATORY="mandatory"),
    PolicyPack=lambda name, policies, level: SimpleNamespace(
        name=name, policies=policies, level=level
    ),
    ResourceValidationPolicy=SimpleNamespace,
)


def violations_of(props: dict[str, Any], kind: str, *, protect: bool = True) -> list[str]:
    reports: list[str] = []
    args = SimpleNamespace(
        resource_type=kind, name="it", props=props, opts=SimpleNamespace(protect=protect)
    )
    for policy in make_pack(LIBRARY).policies:
        policy.validate(args, lambda text, name=policy.name: reports.append(f"{name}: {text}"))
    return reports


def test_every_rail_is_a_mandatory_policy() -> None:
    pack = make_pack(LIBRARY)
    assert [policy.name for policy in pack.policies] == [rail.id.lower() for rail in RAILS]
    assert pack.level == "mandatory"


def test_a_policy_reads_inputs_as_the_engine_names_them() -> None:
    bucket = {
        "uniformBucketLevelAccess": True,
        "publicAccessPrevention": "enforced",
        "softDeletePolicy": {"retentionDurationSeconds": 604800},
        "labels": {"team": "roads"},
        "forceDestroy": True,
    }
    kind = "gcp:storage/bucket:Bucket"
    (text,) = violations_of(bucket, kind)
    assert text.startswith("sl-8: it: it can be deleted with all its objects")
    assert violations_of(bucket, kind, protect=False) == []
    (text,) = violations_of({**bucket, "publicAccessPrevention": "inherited"}, kind, protect=False)
    assert text.startswith("sl-7: it: public access to it is not prevented")


def test_the_pack_s_library_is_imported_by_its_entry_alone() -> None:
    importing = [
        path.name
        for path in (CHECKOUT / "infra").rglob("*.py")
        if "import pulumi_policy" in path.read_text(encoding="utf-8")
    ]
    assert importing == ["__main__.py"]
    assert (CHECKOUT / "infra" / "policy" / "requirements.txt").is_file()
