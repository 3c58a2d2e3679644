"""Untrusted bytes to RGB images to detected and aligned faces."""
