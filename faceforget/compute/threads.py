"""Threads for what a network has to say to many photos."""

import os
from concurrent.futures import ThreadPoolExecutor

import torch

_MOST = 8


def workers(device: torch.device) -> ThreadPoolExecutor:
    """A batch for each core, each computed by one thread.

    Two threads on one small network wait for each other more than they compute: twice the time, and on a busy
    machine ten times. A GPU gets its batches one by one.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    count = min(cores, _MOST) if device.type == "cpu" else 1
    return ThreadPoolExecutor(count, initializer=torch.set_num_threads, initargs=(1,))
