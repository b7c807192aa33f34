-- Refuses parts with an image that no model can read; no model is called, and nothing is paid.
-- It does not use EXISTS over each row's images, since a correlated subquery may not read another
-- table.
INSERT INTO {responses_table} (part_key, pass, status, asked_at, settled)
WITH listed AS ({listed}),
unreadable AS (
  SELECT part_key
  FROM listed, UNNEST(JSON_QUERY_ARRAY(observations)) AS observation
  WHERE {unreadable}
)
SELECT DISTINCT part_key, 0, @status, CURRENT_TIMESTAMP(), FALSE
FROM unreadable
WHERE part_key NOT IN (SELECT part_key FROM {responses_table} WHERE NOT settled)
