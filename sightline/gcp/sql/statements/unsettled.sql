-- Counts the parts of a batch that are neither written nor dead.
SELECT COUNT(*) FROM ({listed})
