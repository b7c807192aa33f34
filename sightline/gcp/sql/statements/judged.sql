-- Judges the responses that are not settled: the outcome (or the reason), the usage and the cost.
SELECT
  *,
  SQRT({length_squared}) AS norm,
  CASE
    WHEN {retryable} THEN 'retryable'
    WHEN {failed} THEN {reason_of_status}
    WHEN {not_finished} THEN {reason_of_ending}
    WHEN NOT ({valid}) THEN 'answer_invalid'
    ELSE 'answered'
  END AS outcome,
  {input_tokens} AS input_tokens,
  {output_tokens} AS output_tokens,
  {cost} AS cost_usd_micros
FROM {responses_table}
WHERE NOT settled
