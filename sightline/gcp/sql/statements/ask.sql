-- One pass: asks a model about the chosen parts, and keeps what it says.
INSERT INTO {asked} (part_key, pass, status, answer, response, vector, asked_at, settled)
SELECT part_key, @pass, status, answer, response, vector, CURRENT_TIMESTAMP(), FALSE
FROM ({said})
