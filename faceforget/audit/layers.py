"""Where in a backbone the audit looks: the layers that it names, for each architecture."""

from collections.abc import Mapping
from dataclasses import dataclass

from faceforget.errors import BackboneError


@dataclass(frozen=True)
class Layers:
    """Names of layers of a network.

    Attributes:
        places: The last whose output still has places; what follows pools over the whole face.
        embedding: The one whose output is the embedding before it is given unit length.
        depths: From early to late, where features are read; the embedding itself is not among them.
        tail: The linear layers at the end, one after another; an erasure that masks directions changes these alone.
    """

    places: str
    embedding: str
    depths: tuple[str, ...]
    tail: tuple[str, ...]


LAYERS: Mapping[str, Layers] = {
    "mobile": Layers("conv2", "bn", ("features.4", "features.11", "features.14", "conv2", "gdconv"), ("conv3", "bn")),
    "facenet": Layers(
        "block8",
        "last_bn",
        ("repeat_1", "repeat_2", "repeat_3", "block8", "avgpool_1a"),
        ("last_linear", "last_bn"),
    ),
}


def layers_of(backbone: str) -> Layers:
    """The layers of a backbone by name.

    Raises:
        BackboneError: None are known.
    """
    if backbone not in LAYERS:
        raise BackboneError(
            f"No layers to look at are known for the backbone {backbone!r}.", f"Known: {', '.join(LAYERS)}."
        )
    return LAYERS[backbone]
