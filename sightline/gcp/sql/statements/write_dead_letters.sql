-- Writes permanently refused parts as dead letters; each body is a message with that part alone.
INSERT INTO {dead_letters} ({columns})
WITH listed AS ({listed}),
judged AS ({judged})
SELECT
  CONCAT(@run, '/', listed.part_key, '/', CAST(UNIX_MICROS(judged.asked_at) AS STRING)),
  listed.part_key,
  CONCAT(@run, '/', listed.subject_id),
  @run,
  listed.subject_id,
  'dead',
  judged.outcome,
  SUBSTR(COALESCE(NULLIF(judged.status, ''), {ending}, 'no details'), 1, 1000),
  judged.pass,
  judged.input_tokens,
  judged.output_tokens,
  judged.cost_usd_micros,
  CONCAT(
    '{{"v":1,"run_id":', TO_JSON_STRING(@run),
    ',"subject_id":', TO_JSON_STRING(listed.subject_id),
    ',"observations":', TO_JSON_STRING(listed.observations),
    ',"parts":[', @part, ']}}'),
  @worker,
  CURRENT_TIMESTAMP()
FROM listed
JOIN judged ON judged.part_key = listed.part_key
WHERE judged.outcome NOT IN ('answered', 'retryable')
  AND CONCAT(@run, '/', listed.part_key, '/', CAST(UNIX_MICROS(judged.asked_at) AS STRING)) NOT IN (
    SELECT event_id FROM {dead_letters})
