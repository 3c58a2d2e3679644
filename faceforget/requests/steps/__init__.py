"""The steps of a batch: look at the photos, erase, judge, remove the copies."""
