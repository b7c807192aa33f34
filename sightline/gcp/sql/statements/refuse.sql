-- Parts with an image that no model can read: nobody is asked, and nothing is paid.
INSERT INTO {asked} (part_key, pass, status, asked_at, settled)
WITH listed AS ({listed})
SELECT part_key, 0, @status, CURRENT_TIMESTAMP(), FALSE
FROM listed
WHERE part_key NOT IN (SELECT part_key FROM {asked} WHERE NOT settled)
  AND EXISTS (
    SELECT 1 FROM UNNEST(JSON_QUERY_ARRAY(observations)) AS one
    WHERE {unreadable})
