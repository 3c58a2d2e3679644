"""Tests wait for a cause. What has not come after so long never will, however busy the machine."""

import time

LONG = 900.0  # seconds


def until(found, every=0.02):
    """What ``found()`` gives once it is true."""
    end = time.monotonic() + LONG
    while not (result := found()):
        assert time.monotonic() < end, f"waited {LONG:.0f} s for {found}"
        time.sleep(every)
    return result
