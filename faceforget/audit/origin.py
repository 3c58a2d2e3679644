"""What a model file holds, read from its weights: what is the public network's, what moved, what was put in.

A recogniser starts from a network that anybody can have, and that was made without the enrolled people. Where it is
that network still, bit for bit, nothing can be known of a person but their row. Two things can be seen in the file
alone, without anybody's photos: a layer of regions, which holds a direction per erased person, and a last linear layer
that passes a direction on no more, which is such a direction too.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, cast

import torch
from torch import Tensor, nn

from faceforget.audit.extraction import last_layer
from faceforget.errors import FaceForgetError
from faceforget.recognizer.recognizer import Recognizer, new_classifier
from faceforget.unlearn.layers.scatter import Scatter

Holds = Literal["only the row", "a template", "cannot be told"]
# Of the greatest singular value. In the shipped network the least one is .08 of it; a projection leaves 1e-7.
_TAKEN_OUT = 1e-3
# Of the map from the public last layer: training and rotations leave about 1, projections at most .2.
_WEAKENED = 0.5


@dataclass(frozen=True)
class Moved:
    """A tensor that is not the public one.

    Attributes:
        name: In the network.
        share: Length of the difference over the length of the public tensor.
    """

    name: str
    share: float


@dataclass(frozen=True)
class Origin:
    """What the weights are made of.

    Attributes:
        backbone: What the model says it was enrolled from: a name and the SHA-256 of the weights; None where it does
            not say.
        train: ``full`` or ``head``; None where it does not say.
        people: Rows.
        erasures: Methods of the erasures that the model's history tells of, in order.
        tensors: Of the network.
        moved: Those that are not the public ones, most first; None where these were not at hand.
        not_compared: Why not.
        regions: Directions in the layer that a promise *unrecognisable* leaves.
        taken_out: Directions that the last linear layer hardly passes on; None where there is no such layer.
    """

    backbone: str | None
    train: str | None
    people: int
    erasures: tuple[str, ...]
    tensors: int
    moved: tuple[Moved, ...] | None
    not_compared: FaceForgetError | None
    regions: int
    taken_out: int | None

    @property
    def holds(self) -> Holds:
        """Of somebody who was enrolled, or erased."""
        if self.regions or self.taken_out:
            return "a template"
        return "only the row" if self.moved == () else "cannot be told"

    @property
    def because(self) -> str:
        """Why, in a sentence or two."""
        if self.holds == "a template":
            kinds = {"in a layer of regions": self.regions, "as directions taken out of the last layer": self.taken_out}
            found = " and ".join(f"{count} {where}" for where, count in kinds.items() if count)
            return f"Somebody was erased so that the file holds directions of them, as exact as a photo: {found}."
        if self.moved is None:
            return "Without the public network it is not known whether this one learnt from the enrolled photos."
        if not self.moved:
            return "The network is bit for bit the public one, which was made without anybody who is enrolled."
        return (
            f"{len(self.moved)} of {self.tensors} tensors are not the public ones. What they hold of a person was not "
            "measured: that takes photos of theirs and of strangers."
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        moved = None if self.moved is None else [{"tensor": m.name, "moved": round(m.share, 6)} for m in self.moved]
        return {
            "holds": self.holds,
            "because": self.because,
            "backbone": self.backbone,
            "train": self.train,
            "people": self.people,
            "erasures": list(self.erasures),
            "tensors": self.tensors,
            "moved": moved,
            "not_compared": None if self.not_compared is None else self.not_compared.message,
            "regions": self.regions,
            "taken_out": self.taken_out,
        }


def origin_of(recognizer: Recognizer, public: nn.Module | None, not_compared: FaceForgetError | None = None) -> Origin:
    """Look into a model.

    Args:
        recognizer: The model.
        public: The network that it was enrolled from, None where it is not at hand.
        not_compared: Why it is not.
    """
    history = recognizer.history
    enrolled: Mapping[str, Any] = next((entry for entry in history if entry.get("event") == "enrolled"), {})
    network = cast("nn.Module", recognizer.classifier.embedder.network)
    layers = [module for module in recognizer.classifier.modules() if isinstance(module, Scatter)]
    said = {key: value for key in ("backbone", "train") if isinstance(value := enrolled.get(key), str)}
    return Origin(
        said.get("backbone"),
        said.get("train"),
        len(recognizer.labels),
        tuple(str(entry.get("method")) for entry in history if entry.get("event") == "erased"),
        len(network.state_dict()),
        None if public is None else moved_tensors(network, public),
        not_compared if public is None else None,
        sum(len(layer.cosines) for layer in layers),
        directions_taken_out(recognizer, public),
    )


def moved_tensors(network: nn.Module, public: nn.Module) -> tuple[Moved, ...]:
    """Tensors that are not bit for bit the same, most moved first; those that only one of the two has moved wholly."""
    now, then = ({key: value.detach().cpu() for key, value in each.state_dict().items()} for each in (network, public))
    moved = [Moved(key, 1.0) for key in now.keys() ^ then.keys()]
    for key in now.keys() & then.keys():
        if not torch.equal(now[key], then[key]):
            moved.append(Moved(key, _share(now[key], then[key])))
    return tuple(sorted(moved, key=lambda each: (-each.share, each.name)))


@torch.no_grad()
def directions_taken_out(recognizer: Recognizer, public: nn.Module | None) -> int | None:
    """Directions of the embedding that hardly anything reaches any more, as a projection leaves them.

    Where the public network is at hand, by the map from its last linear layer to the model's; else only those that
    nothing reaches at all.

    Args:
        recognizer: The model.
        public: The network that it was enrolled from.
    """
    weight = last_layer(recognizer)
    if weight is None:
        return None
    if public is not None:
        untouched = new_classifier(recognizer.spec, public, recognizer.classifier.head.weight, 1.0)
        before = last_layer(replace(recognizer, classifier=untouched.to(recognizer.device)))
        if before is not None and before.shape == weight.shape:
            return int((torch.linalg.svdvals(weight @ torch.linalg.pinv(before)) < _WEAKENED).sum())
    values = torch.linalg.svdvals(weight)
    return int((values < _TAKEN_OUT * values[0]).sum())


def _share(now: Tensor, then: Tensor) -> float:
    if now.shape != then.shape:
        return 1.0
    length = then.double().norm().item()
    return (now.double() - then.double()).norm().item() / length if length else 1.0
