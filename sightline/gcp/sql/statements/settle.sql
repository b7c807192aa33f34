-- Rows of which the ledgers hold what came of them. A dead letter that is replayed is asked again,
-- or refused again, and then becomes another one: its name has the time.
UPDATE {asked}
SET settled = TRUE
WHERE NOT settled AND (
  part_key IN (SELECT part_key FROM ({written}))
  OR CONCAT(@run, '/', part_key, '/', CAST(UNIX_MICROS(asked_at) AS STRING)) IN (
    SELECT event_id FROM {dead_letters}))
