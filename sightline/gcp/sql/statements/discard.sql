-- A pass whose rows were all refused for a fault of the job is not held against them.
UPDATE {asked}
SET settled = TRUE
WHERE pass = @pass AND {failed} AND NOT {retryable}
