-- Returns the number of the last pass over a batch; 0 before the first.
SELECT COALESCE(MAX(pass), 0) FROM {responses_table}
