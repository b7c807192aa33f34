"""The entry point of ``pulumi preview --policy-pack infra/policy``, in its own environment."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import pulumi_policy

from infra.policy.pack import make_pack

make_pack(pulumi_policy)
