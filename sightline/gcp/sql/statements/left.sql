-- Counts the parts of a batch that have neither a row in the ledgers nor a final response; 0 once
-- the run is cancelled.
WITH listed AS ({listed})
SELECT COUNT(*)
FROM listed
WHERE part_key NOT IN (
    SELECT part_key FROM {responses_table} WHERE NOT {retryable} AND NOT settled)
  AND @run NOT IN (SELECT run_id FROM {run_events} WHERE event = 'cancelled')
