-- Removes the responses about settled parts; their results are in the ledgers.
UPDATE {responses_table}
SET answer = NULL, response = NULL, vector = []
WHERE settled
