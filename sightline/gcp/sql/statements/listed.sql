-- Returns the parts of one kind in a run's work list that are neither written nor dead.
SELECT
  subject_id,
  asset_type,
  observations,
  TO_HEX(SHA256(CONCAT(subject_id, @separator, @suffix))) AS part_key
FROM {work_items}
WHERE run_id = @run
  AND TO_HEX(SHA256(CONCAT(subject_id, @separator, @suffix))) IN UNNEST(part_keys)
  AND TO_HEX(SHA256(CONCAT(subject_id, @separator, @suffix))) NOT IN (SELECT part_key FROM ({settled}))
