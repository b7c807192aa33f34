-- The parts of one batch about which nothing is known, neither in the ledgers nor as asked; none once
-- the run is cancelled.
WITH listed AS ({listed})
SELECT COUNT(*)
FROM listed
WHERE part_key NOT IN (SELECT part_key FROM {asked} WHERE NOT {retryable} AND NOT settled)
  AND @run NOT IN (SELECT run_id FROM {run_events} WHERE event = 'cancelled')
