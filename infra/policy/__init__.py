"""The guard rails as a CrossGuard policy pack; ``pulumi-policy`` is imported nowhere else."""
