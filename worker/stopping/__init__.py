"""What ends a worker: a signal, an empty backlog, or failures of the whole job."""
