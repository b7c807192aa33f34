-- What was said in a pass, or in all, judged: an outcome, what it used, and why it was refused.
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
FROM {asked}
WHERE NOT settled
