-- How many parts of one batch are neither written nor dead.
SELECT COUNT(*) FROM ({listed})
