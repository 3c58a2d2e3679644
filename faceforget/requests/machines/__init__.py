"""Lists of requests about several models: one batch each, one after the other, in processes, or on a Ray cluster."""
