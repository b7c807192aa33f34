"""How operations read: which task is meant, its answers by asset, a model's vectors as a matrix."""
