"""A batch in the app: what is asked for, the look at it beforehand, the work, and its end.

The functions of ``faceforget.requests`` work on files. They get them in a folder that is there for one piece of work.
"""
