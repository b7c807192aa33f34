-- Stores the parts that the next pass asks about, with their images, in a table of their own: if a
-- function reads a query with a LIMIT, BigQuery may call the model for more rows than the query
-- returns, and every call is paid for.
CREATE OR REPLACE TABLE {chosen_table} AS
WITH listed AS ({listed}),
chosen AS (
  SELECT part_key, observations
  FROM listed
  WHERE part_key NOT IN (
    SELECT part_key FROM {responses_table} WHERE NOT {retryable} AND NOT settled)
  ORDER BY part_key
  LIMIT {parts}
),
images AS (
  SELECT part_key, JSON_VALUE(observation, '$.gcs_uri') AS uri, place
  FROM chosen, UNNEST(JSON_QUERY_ARRAY(observations)) AS observation WITH OFFSET AS place
)
SELECT part_key, ARRAY_AGG({image} ORDER BY place) AS images
FROM images{objects}
GROUP BY part_key
