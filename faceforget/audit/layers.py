"""Where in a backbone the audit looks."""

from faceforget.errors import BackboneError
from faceforget.recognizer.backbone import BACKBONES
from faceforget.recognizer.spec import Layers


def layers_of(backbone: str) -> Layers:
    """The layers of a backbone by name.

    Raises:
        BackboneError: None are known.
    """
    spec = BACKBONES.get(backbone)
    if spec is None or spec.layers is None:
        known = ", ".join(name for name, other in BACKBONES.items() if other.layers is not None)
        raise BackboneError(f"No layers to look at are known for the backbone {backbone!r}.", f"Known: {known}.")
    return spec.layers
