-- What was said of parts that are settled is in the ledgers.
UPDATE {asked}
SET answer = NULL, response = NULL, vector = []
WHERE settled
