"""Class-centric unlearning on tensors: losses, the one loop, a file per method."""
