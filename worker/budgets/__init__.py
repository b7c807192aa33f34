"""What workers may spend: budgets of runs, reserved in slices and held for each call."""
