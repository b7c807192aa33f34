"""Part keys, and the balance."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from sightline.model import AnswerPart, Balance, EmbeddingPart


def test_a_key_is_the_digest_that_sql_computes() -> None:
    text = "o1\x1fanswer\x1fsigns\x1ffp\x1fmodel\x1f"
    assert AnswerPart("signs", "fp", "model").key("o1") == hashlib.sha256(text.encode()).hexdigest()
    text = "o1\x1fembedding\x1f\x1f\x1fmodel\x1f512"
    assert EmbeddingPart("model", 512).key("o1") == hashlib.sha256(text.encode()).hexdigest()


def test_every_field_of_a_part_is_in_its_key() -> None:
    part = AnswerPart("t", "f", "m")
    keys = {
        part.key("s"),
        part.key("s2"),
        replace(part, task="t2").key("s"),
        replace(part, fingerprint="f2").key("s"),
        replace(part, model="m2").key("s"),
        EmbeddingPart("m", 1).key("s"),
        EmbeddingPart("m", 2).key("s"),
    }
    assert len(keys) == 7


BALANCE = Balance("r", 10, written=4, dead=1, queued=3, to_publish=2, cancelled=0, lost=0,
                  awaiting_ack=1, duplicates=0)  # fmt: skip


def test_a_balance_holds_while_every_part_is_in_one_state() -> None:
    assert BALANCE.holds
    assert not BALANCE.settled
    assert replace(BALANCE, written=9, queued=0, to_publish=0).settled


def test_a_balance_fails_when_something_is_lost_doubled_or_uncounted() -> None:
    assert not replace(BALANCE, lost=1, queued=2).holds
    assert not replace(BALANCE, duplicates=1).holds
    assert not replace(BALANCE, written=3).holds
