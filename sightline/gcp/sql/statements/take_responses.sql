-- What was said elsewhere about parts of the batch, each once; what is said of others is left alone.
-- Numbers come as texts, since the emulator loads them so.
INSERT INTO {asked} (part_key, pass, status, answer, response, vector, asked_at, settled)
SELECT
  part_key,
  @pass,
  status,
  answer,
  response,
  ARRAY(
    SELECT CAST(number AS FLOAT64) FROM UNNEST(vector) AS number WITH OFFSET AS place ORDER BY place
  ),
  CURRENT_TIMESTAMP(),
  FALSE
FROM {said}
WHERE part_key IN (SELECT part_key FROM ({listed}))
  AND part_key NOT IN (SELECT part_key FROM {asked} WHERE NOT {retryable} AND NOT settled)
