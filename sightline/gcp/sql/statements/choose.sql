-- The parts that the next pass asks about, with their images, in a table of their own: a function
-- over a query with a LIMIT may be asked about more rows than it returns, and each is paid for.
CREATE OR REPLACE TABLE {to_ask} AS
WITH listed AS ({listed}),
chosen AS (
  SELECT part_key, observations
  FROM listed
  WHERE part_key NOT IN (SELECT part_key FROM {asked} WHERE NOT {retryable} AND NOT settled)
  ORDER BY part_key
  LIMIT {parts}
),
images AS (
  SELECT part_key, JSON_VALUE(one, '$.gcs_uri') AS uri, place
  FROM chosen, UNNEST(JSON_QUERY_ARRAY(observations)) AS one WITH OFFSET AS place
)
SELECT part_key, ARRAY_AGG({image} ORDER BY place) AS images
FROM images{objects}
GROUP BY part_key
