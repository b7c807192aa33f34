-- Rows of which the ledgers hold what came of them. A dead letter that is replayed is asked again.
UPDATE {asked}
SET settled = TRUE
WHERE NOT settled AND (
  part_key IN (SELECT part_key FROM ({written}))
  OR CONCAT(@run, '/', part_key, '/', CAST(pass AS STRING)) IN (
    SELECT event_id FROM {dead_letters}))
