-- Runs one pass: asks a model about the chosen parts and stores its responses.
INSERT INTO {responses_table} (part_key, pass, status, answer, response, vector, asked_at, settled)
SELECT part_key, @pass, status, answer, response, vector, CURRENT_TIMESTAMP(), FALSE
FROM ({responses})
