"""The anchors of an erasure: rendered people, or an operator's own strangers."""

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from faceforget.api.runtime import People, Runtime, people_from
from faceforget.errors import MethodError, PeopleFolderError
from faceforget.people.anchors import rendered_anchors
from faceforget.people.faces import FaceSet, SamePhotoError, read_faces
from faceforget.recognizer.head import to_images
from faceforget.recognizer.recognizer import Recognizer
from faceforget.unlearn.base import Method

# Of the rendered people, for the measure of a model's health: their pairs are 4950, half a second of a core.
_LOOKED_AT = 100
# With fewer, a photo more or less decides where everybody else goes.
FEWEST = 50


def some_anchors(recognizer: Recognizer, runtime: Runtime) -> NDArray[np.uint8]:
    """Faces ``(N, S, S, 3)`` of rendered people, evenly from all of them: what an erasure is measured on."""
    anchors = rendered_anchors(recognizer.spec.framing, progress=runtime.progress)
    return anchors[:: max(1, len(anchors) // _LOOKED_AT)][:_LOOKED_AT]


def read_anchors(
    method: Method, recognizer: Recognizer, people: People | None, forget: FaceSet, runtime: Runtime
) -> Tensor | None:
    """Images ``(A, 3, S, S)`` for a method that reads anchors, None for the others.

    Args:
        method: The method.
        recognizer: The model before; its own people are left out of ``people``.
        people: A folder per person of strangers; without it, rendered people.
        forget: Photos of the persons to erase; none of them may be an anchor.
        runtime: Device, cache, progress.

    Raises:
        MethodError: Anchors were given to a method that does not read them.
        PeopleFolderError: The folder has too few photos of strangers.
        SamePhotoError: A photo of a person to erase is among them.
    """
    if "anchors" not in method.reads:
        if people is not None:
            raise MethodError(
                f"{method.name} does not read anchors.",
                "Leave out anchors, or choose a method that reads them.",
                code="anchors-not-read",
            )
        return None
    framing = recognizer.spec.framing
    if people is None:
        return to_images(rendered_anchors(framing, progress=runtime.progress), recognizer.device)
    strangers = {name: photos for name, photos in people_from(people).items() if name not in recognizer.labels}
    found = read_faces(strangers, runtime.intake(framing), progress=runtime.progress, stage="reading anchors")
    if found.count < FEWEST:
        raise PeopleFolderError(
            f"Expected at least {FEWEST} usable photos of strangers as anchors, got {found.count}.",
            "Give more, or leave out anchors: rendered people serve instead.",
            code="too-few-anchors",
        )
    own = {photo.sha256 for photos in forget.photos.values() for photo in photos}
    for name, photos in found.photos.items():
        for photo in photos:
            if photo.sha256 in own:
                raise SamePhotoError(
                    f"The photo {photo.source} of {name}, an anchor, is also a photo to forget.",
                    "Leave it with the one whom it shows.",
                )
    return to_images(found.all_crops(), recognizer.device)
