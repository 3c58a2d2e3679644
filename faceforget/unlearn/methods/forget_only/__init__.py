"""Methods that read the images of the forgotten classes and nothing else."""
