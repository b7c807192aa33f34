-- Marks the rows whose results are in the ledgers. A replayed dead letter is asked about or refused
-- again, and then becomes another dead letter, since its event id contains the time.
UPDATE {responses_table}
SET settled = TRUE
WHERE NOT settled AND (
  part_key IN (SELECT part_key FROM ({written}))
  OR CONCAT(@run, '/', part_key, '/', CAST(UNIX_MICROS(asked_at) AS STRING)) IN (
    SELECT event_id FROM {dead_letters}))
