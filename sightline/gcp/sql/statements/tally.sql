-- Counts the responses of the last pass, and the unsettled final ones of earlier passes, by outcome,
-- with the cost and an example status.
SELECT outcome, COUNT(*), SUM(cost_usd_micros), ANY_VALUE(status)
FROM ({judged})
WHERE pass = @pass OR outcome <> 'retryable'
GROUP BY outcome
