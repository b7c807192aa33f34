-- Writes the results of answered parts into their ledger; existing rows are not changed.
INSERT INTO {ledger} ({columns})
WITH listed AS ({listed}),
judged AS ({judged})
SELECT
  listed.part_key,
  listed.subject_id,
  IF(@by_asset, NULL, JSON_VALUE(listed.observations, '$[0].observation_id')),
  JSON_VALUE(listed.observations, '$[0].asset_id'),
  JSON_VALUE(listed.observations, '$[0].snapshot_id'),
  JSON_VALUE(listed.observations, '$[0].asset_type'),
  JSON_VALUE(listed.observations, '$[0].gcs_uri'),
  CAST(JSON_VALUE(listed.observations, '$[0].location.latitude') AS FLOAT64),
  CAST(JSON_VALUE(listed.observations, '$[0].location.longitude') AS FLOAT64),
  TIMESTAMP(JSON_VALUE(listed.observations, '$[0].capture_time')),
  {result},
  judged.input_tokens,
  judged.output_tokens,
  judged.cost_usd_micros,
  CAST(NULL AS INT64),
  judged.pass,
  @run,
  @worker,
  CURRENT_TIMESTAMP()
FROM listed
JOIN judged ON judged.part_key = listed.part_key
WHERE judged.outcome = 'answered'
