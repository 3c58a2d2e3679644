"""The steps of the page Batch, which shows one of them at a time."""
