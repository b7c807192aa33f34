-- Parts with an image that no model can read: nobody is asked, and nothing is paid. Not by EXISTS
-- over each row's images, since a correlated subquery may not read another table.
INSERT INTO {asked} (part_key, pass, status, asked_at, settled)
WITH listed AS ({listed}),
unreadable AS (
  SELECT part_key
  FROM listed, UNNEST(JSON_QUERY_ARRAY(observations)) AS one
  WHERE {unreadable}
)
SELECT DISTINCT part_key, 0, @status, CURRENT_TIMESTAMP(), FALSE
FROM unreadable
WHERE part_key NOT IN (SELECT part_key FROM {asked} WHERE NOT settled)
