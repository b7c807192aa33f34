-- The vectors, at unit length, into the ledger of their model and dimension. IEEE_DIVIDE, since the
-- emulator's / yields 0 here.
INSERT INTO {vectors} ({columns})
WITH listed AS ({listed}),
judged AS (
  SELECT *, SQRT((SELECT SUM(each * each) FROM UNNEST(vector) AS each)) AS norm
  FROM ({judged})
)
SELECT
  listed.part_key,
  listed.subject_id,
  JSON_VALUE(listed.observations, '$[0].observation_id'),
  JSON_VALUE(listed.observations, '$[0].asset_id'),
  JSON_VALUE(listed.observations, '$[0].snapshot_id'),
  JSON_VALUE(listed.observations, '$[0].asset_type'),
  JSON_VALUE(listed.observations, '$[0].gcs_uri'),
  CAST(JSON_VALUE(listed.observations, '$[0].location.latitude') AS FLOAT64),
  CAST(JSON_VALUE(listed.observations, '$[0].location.longitude') AS FLOAT64),
  TIMESTAMP(JSON_VALUE(listed.observations, '$[0].capture_time')),
  @model,
  @dimension,
  ARRAY(
    SELECT IEEE_DIVIDE(number, judged.norm)
    FROM UNNEST(judged.vector) AS number WITH OFFSET AS place
    ORDER BY place),
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
