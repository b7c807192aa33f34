"""How operations read: tasks, answers by asset, vectors as a matrix, files of ground truth."""
