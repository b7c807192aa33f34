-- Copies the staged responses about parts of the batch, each once; ignores rows about other parts.
-- Numbers are stored as text, since the emulator can load only that.
INSERT INTO {responses_table} (part_key, pass, status, answer, response, vector, asked_at, settled)
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
FROM {staging_table}
WHERE part_key IN (SELECT part_key FROM ({listed}))
  AND part_key NOT IN (
    SELECT part_key FROM {responses_table} WHERE NOT {retryable} AND NOT settled)
