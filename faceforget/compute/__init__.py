"""Who computes this: threads, processes, machines."""
