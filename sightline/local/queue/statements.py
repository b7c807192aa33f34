"""The queue's SQL, each statement named for what it does; docs/adr/0003 explains the design.

A message is a small row in ``messages``, which leases change, and a large one in ``bodies``, which
they do not. ``place`` is 0 in the queue and 1 behind the backstop. A message is ready while
``visible_at <= now``: 0 for a message never delivered, so that no clock can hide it, else the end
of its lease or delay, which lasts ``hold_s`` seconds. All times are Unix times in seconds.
"""

from __future__ import annotations

APPLICATION_ID = 0x51647471
SCHEMA_VERSION = 1

QUEUE = 0
BACKSTOP = 1

CREATE_TABLES = (
    """
    CREATE TABLE queue (
        queue_id TEXT NOT NULL,
        next_id  INTEGER NOT NULL
    ) STRICT
    """,
    """
    CREATE TABLE batches (
        batch_key    TEXT PRIMARY KEY,
        messages     INTEGER NOT NULL,
        published_at REAL NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE messages (
        id           INTEGER PRIMARY KEY,
        run_id       TEXT NOT NULL,
        published_at REAL NOT NULL,
        place        INTEGER NOT NULL DEFAULT 0,
        visible_at   REAL NOT NULL DEFAULT 0,
        hold_s       REAL NOT NULL DEFAULT 0,
        deliveries   INTEGER NOT NULL DEFAULT 0,
        lease        TEXT
    ) STRICT
    """,
    """
    CREATE TABLE bodies (
        id         INTEGER PRIMARY KEY,
        attributes TEXT NOT NULL,
        body       BLOB NOT NULL
    ) STRICT
    """,
    "CREATE INDEX messages_in_order ON messages (place, visible_at, deliveries)",
    """
    CREATE TRIGGER settled_message_takes_its_body AFTER DELETE ON messages
    BEGIN DELETE FROM bodies WHERE id = old.id; END
    """,
    "INSERT INTO queue (queue_id, next_id) VALUES (lower(hex(randomblob(4))), 1)",
    f"PRAGMA application_id = {APPLICATION_ID}",
    f"PRAGMA user_version = {SCHEMA_VERSION}",
)

CREATE_MARKS = """
    CREATE TABLE IF NOT EXISTS marks (
        ledger TEXT PRIMARY KEY,
        mark   INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID
"""
"""Queues of earlier versions lack this table, and earlier versions ignore it."""

CREATE_SENDERS = """
    CREATE TABLE IF NOT EXISTS senders (
        worker_id   TEXT NOT NULL,
        kind        TEXT NOT NULL,
        rate_per_s  REAL NOT NULL,
        reported_at REAL NOT NULL,
        PRIMARY KEY (worker_id, kind)
    ) STRICT, WITHOUT ROWID
"""
"""The workers' reports. Queues of earlier versions lack this table, too."""

CREATE_BELIEFS = """
    CREATE TABLE IF NOT EXISTS beliefs (
        kind           TEXT PRIMARY KEY,
        rate_per_s     REAL NOT NULL,
        usual          REAL NOT NULL,
        minute_began_s REAL,
        believed_at    REAL NOT NULL
    ) STRICT, WITHOUT ROWID
"""
"""What was last believed of a quota. Queues of earlier versions lack this table, too."""

OWN = ""
"""In ``marks``, the row of the queue's own mark; the others have the ledgers' names."""

# --- publishing --------------------------------------------------------------------------------

CLAIM_BATCH_KEY = """
    INSERT INTO batches (batch_key, messages, published_at)
    VALUES (:batch_key, :messages, :now)
    ON CONFLICT (batch_key) DO NOTHING
"""

TAKE_IDS = "UPDATE queue SET next_id = next_id + :messages RETURNING next_id - :messages"

ADD_MESSAGE = "INSERT INTO messages (id, run_id, published_at) VALUES (?, ?, ?)"

ADD_BODY = "INSERT INTO bodies (id, attributes, body) VALUES (?, ?, ?)"

# --- leasing -----------------------------------------------------------------------------------

READ_QUEUE_ID = "SELECT queue_id FROM queue"

SELECT_READY = """
    SELECT messages.id, messages.deliveries, bodies.attributes, bodies.body, messages.published_at
    FROM messages JOIN bodies ON bodies.id = messages.id
    WHERE messages.place = :place AND messages.visible_at <= :now
    ORDER BY messages.place, messages.visible_at, messages.deliveries, messages.id
    LIMIT :max_messages
"""

LEASE = """
    UPDATE messages
    SET visible_at = :now + :hold_s, hold_s = :hold_s, lease = :lease, deliveries = :deliveries
    WHERE id = :id
"""

MOVE_BEHIND_BACKSTOP = """
    UPDATE messages
    SET place = 1, visible_at = 0, hold_s = 0, lease = NULL
    WHERE id = :id
"""

EXTEND = """
    UPDATE messages
    SET visible_at = :now + :hold_s, hold_s = :hold_s
    WHERE id = :id AND lease = :lease
"""

ACK = "DELETE FROM messages WHERE id = :id AND lease = :lease"

NACK = """
    UPDATE messages
    SET visible_at = :now + :hold_s, hold_s = :hold_s, lease = NULL
    WHERE id = :id AND lease = :lease
"""

UNDO_LEASE = """
    UPDATE messages
    SET visible_at = CASE WHEN place = 1 OR deliveries = 1 THEN 0 ELSE :now END,
        hold_s = 0, lease = NULL, deliveries = deliveries - (place = 0)
    WHERE id = :id AND lease = :lease
"""

# --- clocks that jump --------------------------------------------------------------------------

ANY_HELD_TOO_LONG = """
    SELECT EXISTS (
        SELECT 1 FROM messages
        WHERE place IN (0, 1) AND visible_at > :now AND visible_at > :now + hold_s
    )
"""

SHORTEN_HOLDS = """
    UPDATE messages SET visible_at = :now + hold_s
    WHERE place IN (0, 1) AND visible_at > :now AND visible_at > :now + hold_s
"""

# --- marks (sightline.local.marks) --------------------------------------------------------------

TAKE_MARK = f"""
    INSERT INTO marks (ledger, mark) VALUES ('{OWN}', 1)
    ON CONFLICT (ledger) DO UPDATE SET mark = mark + 1
    RETURNING mark
"""  # noqa: S608 - a constant

RAISE_MARK = """
    INSERT INTO marks (ledger, mark) VALUES (:ledger, :mark)
    ON CONFLICT (ledger) DO UPDATE SET mark = max(mark, excluded.mark)
"""

READ_MARKS = "SELECT ledger, mark FROM marks"

READ_USE = "SELECT queue_id, next_id FROM queue"

LOWER_MARK = "UPDATE marks SET mark = min(mark, :mark) WHERE ledger = :ledger"

RECHECK_AFTER = """
    UPDATE bodies SET attributes = json_set(attributes, :attribute, '1')
    WHERE id IN (SELECT id FROM bodies WHERE id > :after ORDER BY id LIMIT :page)
    RETURNING id
"""

# --- looking and clearing ----------------------------------------------------------------------

COUNT_BACKLOG = """
    SELECT count(*) FILTER (WHERE lease IS NULL OR visible_at <= :now),
           count(*) FILTER (WHERE lease IS NOT NULL AND visible_at > :now),
           min(published_at)
    FROM messages
    WHERE :run_id IS NULL OR run_id = :run_id
"""

READ_BODIES_AFTER = """
    SELECT messages.id, bodies.body
    FROM messages JOIN bodies ON bodies.id = messages.id
    WHERE messages.id > :after AND (:run_id IS NULL OR messages.run_id = :run_id)
    ORDER BY messages.id
    LIMIT :page
"""

RUN_IDS = "SELECT DISTINCT run_id FROM messages"

PURGE_AFTER = """
    DELETE FROM messages WHERE id IN (
        SELECT id FROM messages
        WHERE id > :after AND run_id = :run_id AND (lease IS NULL OR visible_at <= :now)
        ORDER BY id
        LIMIT :page
    )
    RETURNING id
"""

MAKE_DUE = """
    UPDATE messages SET visible_at = :now, hold_s = 0
    WHERE place = 0 AND run_id = :run_id AND lease IS NULL AND visible_at > :now
"""

# --- workers that see each other ---------------------------------------------------------------

REPORT_RATE = """
    INSERT INTO senders (worker_id, kind, rate_per_s, reported_at)
    VALUES (:worker_id, :kind, :rate_per_s, :now)
    ON CONFLICT DO UPDATE SET rate_per_s = :rate_per_s, reported_at = :now
"""

FORGET_SENDERS = """
    DELETE FROM senders
    WHERE worker_id = :worker_id OR reported_at < :since OR reported_at > :until
"""
"""A report from the future was made before the clock was set back."""

READ_RATES = "SELECT kind, count(*), avg(rate_per_s) FROM senders GROUP BY kind"

REMEMBER_BELIEF = """
    INSERT INTO beliefs (kind, rate_per_s, usual, minute_began_s, believed_at)
    VALUES (:kind, :rate_per_s, :usual, :minute_began_s, :now)
    ON CONFLICT DO UPDATE SET rate_per_s = :rate_per_s, usual = :usual,
        minute_began_s = :minute_began_s, believed_at = :now
"""

READ_BELIEFS = """
    SELECT kind, rate_per_s, usual, minute_began_s, :now - believed_at
    FROM beliefs
    WHERE believed_at BETWEEN :since AND :now
"""
"""A belief from the future was reported before the clock was set back, so its age is not known."""
