-- Drops a temporary table of a batch.
DROP TABLE IF EXISTS {table}
