"""The whole tasks, from photos to result, and what goes with them: all that front ends see of the library.

The command line, the app, the service and Python users call ``faceforget.api``, with ``faceforget.errors`` and
``faceforget.progress``, and nothing beneath it. What is here, and where it comes from, is listed in ``__init__.pyi``
beside this file.
"""

from faceforget.listing import listing

__getattr__, __dir__ = listing(__name__)
