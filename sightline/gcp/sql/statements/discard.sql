-- Discards the refusals of a pass that failed as a whole, so that its parts are asked about again.
UPDATE {responses_table}
SET settled = TRUE
WHERE pass = @pass AND {failed} AND NOT {retryable}
