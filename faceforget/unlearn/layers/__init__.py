"""The layers that closed forms need, and how a classifier is taken apart: head, tail, folding."""
