"""A file per question about what is left of a person, with a ``QUESTION`` each: :mod:`faceforget.audit.question`."""
