"""What does a model hold of the people in it, and of those who were erased from it?"""

from pathlib import Path

from faceforget.api.runtime import Runtime
from faceforget.audit.origin import Origin, origin_of
from faceforget.errors import BackboneError, ModelFileError
from faceforget.recognizer.recipe import recipe_of
from faceforget.recognizer.recognizer import Recognizer


def inspect(recognizer: Recognizer, *, backbone: str | Path | None = None, runtime: Runtime | None = None) -> Origin:
    """Compare a model with the network that it was enrolled from, and look for what erasures put in.

    Args:
        recognizer: The model.
        backbone: Name or file of that network; without it, the one that the model's history names.
        runtime: Told about a download.

    Raises:
        BackboneError: ``backbone`` is not what it was enrolled from, or cannot be read.
        ModelFileError: ``backbone`` was given, and the model does not say what it was enrolled from.
    """
    runtime = runtime or Runtime()
    try:
        public = recipe_of(recognizer, backbone, progress=runtime.progress).backbone.network
    except (ModelFileError, BackboneError) as error:
        if backbone is not None:
            raise
        return origin_of(recognizer, None, error)
    return origin_of(recognizer, public)
