"""How operations read tasks, answers by asset, vectors as a matrix, and ground truth files."""
