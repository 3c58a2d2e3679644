"""Erasure requests over HTTP, for operators' back offices; needs the extra ``serve``."""
