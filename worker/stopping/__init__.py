"""What ends a worker: a signal, an empty backlog, or a failure of the whole job."""
