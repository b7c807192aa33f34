-- How many parts of one lot are neither written nor dead.
SELECT COUNT(*) FROM ({listed})
