-- What the last pass outcome, and what is not settled of those before, by outcome, with an example
-- of what was said of each.
SELECT outcome, COUNT(*), SUM(cost_usd_micros), ANY_VALUE(status)
FROM ({judged})
WHERE pass = @pass OR outcome <> 'retryable'
GROUP BY outcome
