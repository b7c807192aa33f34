"""Algorithms on answers and vectors. Pure: without input or output, independent of the engine."""
