"""Class-centric unlearning on any classifier of torch: losses, one loop, a file per method.

    from faceforget.unlearn import Delete

    erasure = Delete(learning_rate=1e-3)(model, forget, classes=7)
    erasure.model          # a copy of the model; modules and keys as before, or as `Delete.structure` says
    erasure.forgotten      # whether no forgotten class wins on any image of the forget set

``forget`` is a tensor ``(N, ...)``, or a data set or ``DataLoader`` of images or of images with their classes, which
are read batch by batch. Other methods: ``make_method("scrub")(model, forget, classes=7, retain=others)``. A method of
your own is a subclass of :class:`Eraser` with a ``loss``, or of :class:`Method`, made known by :func:`register_method`.
Nothing here knows of faces, of files or of people.
"""

from faceforget.unlearn.base import DivergedError, Edited, Method, Run
from faceforget.unlearn.data import Erasure, ForgetSet, Recipe, RetainSet, Step
from faceforget.unlearn.eraser import Batch, Eraser, Objective, Scene, Settings
from faceforget.unlearn.images import InputDataError
from faceforget.unlearn.losses import LossInputError, decoupled_kl, delete_loss, mask_logits
from faceforget.unlearn.methods.anchored import Anchored
from faceforget.unlearn.methods.delete import Delete
from faceforget.unlearn.methods.dispersed import Dispersed
from faceforget.unlearn.registry import METHODS, make_method, method_cards, register_method
from faceforget.unlearn.settings import MethodSettings

__all__ = [
    "METHODS",
    "Anchored",
    "Batch",
    "Delete",
    "Dispersed",
    "DivergedError",
    "Edited",
    "Eraser",
    "Erasure",
    "ForgetSet",
    "InputDataError",
    "LossInputError",
    "Method",
    "MethodSettings",
    "Objective",
    "Recipe",
    "RetainSet",
    "Run",
    "Scene",
    "Settings",
    "Step",
    "decoupled_kl",
    "delete_loss",
    "make_method",
    "mask_logits",
    "method_cards",
    "register_method",
]
