"""One backbone, one file: its name is the file's, and ``SPEC`` says what there is to know of it."""
