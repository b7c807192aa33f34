-- A table of one batch that is done.
DROP TABLE IF EXISTS {table}
