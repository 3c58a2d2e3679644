"""Work for the machines of a Ray cluster: faces in large folders, audits, batches about several models."""
