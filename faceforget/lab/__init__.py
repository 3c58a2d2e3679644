"""What is measured with: embeddings, heads, single questions of an audit, for benchmarks and whoever studies a model.

Beside :mod:`faceforget.api`, which has the whole tasks, and :mod:`faceforget.unlearn`. What is here is listed in
``__init__.pyi`` beside this file, and may change from one version to the next.
"""

from faceforget.listing import listing

__getattr__, __dir__ = listing(__name__)
