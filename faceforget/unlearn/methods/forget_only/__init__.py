"""Methods that read the photos of the forgotten classes and nothing else."""
