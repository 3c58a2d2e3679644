r"""DELETE: decoupled distillation to erase.

Zhou et al., CVPR 2025, arXiv 2503.23751, equation 5. Reads the forget set only.

**Where the head compares angles**, the direction of an embedding with a row per class, as recognisers of faces do, all
layers are more than has to move: all images of the class pull every embedding along, and nothing holds the others.
There one rotation of the embedding is trained, from the identity on, and folded into the last linear layer:

    loss = delete_loss + a · mean_i | R w_i - w_i |²        R Rᵀ = I

The rows of the head stay where they are. A rotation leaves the cosine of any two images exactly as it is: so the
class goes elsewhere as a whole instead of being smeared over all others, and unknown classes are told apart as before.
w_i is the row of a class that stays, of unit length, taken for an embedding: what stays is held in place by what the
model knows of it, without an image. After each step the matrix is replaced by the rotation nearest to it. The class's
images and varied versions of them are embedded once, so that a step costs next to nothing.

**On any other classifier**, or with ``moves=all``, all layers move, by the same loss alone.

Deviations from the published procedure, both settings: batch norm statistics and dropout stay
frozen (``batch_norm="train"`` is faithful), and the loop stops once the class is forgotten with
a margin instead of after a fixed number of epochs (``margin=none`` is faithful). Two more, off by
default, are for backdoors: a trigger adds nearly the same to the logits of every image and drowns
what the image shows; without their mean the teacher says the latter (``balanced``), and as little
of it is left, it has to be taken for more than it says (``temperature`` below 1).
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, ClassVar, Literal, cast

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from faceforget.compute.threads import workers
from faceforget.errors import MethodError
from faceforget.unlearn.base import Edited, Run, frozen_copy
from faceforget.unlearn.data import ForgetSet
from faceforget.unlearn.eraser import Batch, Eraser, Objective, Scene, Settings
from faceforget.unlearn.images import Images, with_versions
from faceforget.unlearn.layers.embedding import MatrixedEmbedding, compares_angles, with_matrix, without_scatter
from faceforget.unlearn.layers.head import find_head, weight_of
from faceforget.unlearn.layers.look import look_at
from faceforget.unlearn.losses import delete_loss, mask_logits, remaining
from faceforget.unlearn.measures import chosen
from faceforget.unlearn.settings import MethodSettings

# Images on which it is seen that the matrix was folded into the weights rightly.
_CHECKED = 4


class DeleteSettings(Settings):
    """What moves, and what the teacher is taken at its word for."""

    moves: Literal["auto", "embedding", "all"] = Field(
        "auto",
        description="`embedding`: one rotation of the embedding, with settings of its own where they are not "
        "given. `all`: every layer. `auto`: the embedding where the head compares angles, else all.",
    )
    hold_rows: float = Field(
        30.0, ge=0, description="Weight of the rows that stay, as if they were embeddings; on an embedding."
    )
    versions: int = Field(
        3, ge=0, description="Varied versions of each image, embedded once beside it; on an embedding."
    )

    balanced: bool = Field(
        False,
        description="Take off the teacher's logits what is common to the whole forget set: for images of all classes "
        "that carry one trigger, which favours some classes whatever the image shows.",
    )
    temperature: float = Field(
        1.0, gt=0, description="Divides the teacher's logits; below 1 it becomes surer of what else it sees."
    )


class Delete(Eraser):
    """Distil the student towards the teacher with the forgotten classes masked out."""

    name: ClassVar[str] = "delete"
    paper: ClassVar[str] = "Zhou et al., Decoupled Distillation to Erase, CVPR 2025, arXiv 2503.23751"
    settings_type: ClassVar[type[MethodSettings]] = DeleteSettings
    shares_batches: ClassVar[bool] = True
    dense: ClassVar[bool] = True
    structure: ClassVar[str] = (
        "With a head that compares angles: where no linear layer makes its inputs, a projection is put before the "
        "head, which becomes a Sequential of the two."
    )
    caveat: ClassVar[str] = (
        "Where the head compares angles, delete turns a class away from its row, and the rest stays where it is: as a "
        "new class it is recognised like any other, and whoever holds the model from before can see what was turned."
    )
    settings: DeleteSettings

    @property
    def varied(self) -> bool:
        """Whether it wants strongly varied versions: the rotation does, which sees each image dozens of times."""
        return self.settings.moves == "embedding"

    def settled(self, model: nn.Module, forget: ForgetSet) -> "Delete":
        """With what moves in this model said, and what follows from it for the settings that were not given."""
        settings = self.settings
        if settings.moves == "all":
            return self
        embedding = forget.where is None and compares_angles(model, forget.images)
        if settings.moves == "auto" and (settings.batch_norm == "train" or settings.first_layers is not None):
            embedding = False  # these are about the layers
        if settings.moves == "embedding" and not embedding:
            raise MethodError(
                "The model has no embedding that its head compares by angle, so no rotation can be trained on it.",
                "Leave out moves=embedding.",
            )
        if not embedding:
            return type(self)(settings.model_copy(update={"moves": "all"}))
        unsaid = {key: value for key, value in on_embedding(forget).items() if key not in settings.model_fields_set}
        return type(self)(settings.model_copy(update={"moves": "embedding", **unsaid}))

    def can_share(self, forget: ForgetSet) -> bool:
        """Not on an embedding: there nothing is slow."""
        return self.settings.moves != "embedding" and super().can_share(forget)

    def edit(self, model: nn.Module, forget: ForgetSet, run: Run) -> Edited:
        """The loop on all layers, or on the rotation alone."""
        if self.settings.moves != "embedding":
            return super().edit(model, forget, run)
        size = self.settings.batch_size
        bare, held = without_scatter(frozen_copy(model))
        versions = _versions(forget.images, self.settings.versions, run)
        embeddings = look_at(bare, versions, size, run.progress, "looking at the images")
        times = len(versions) // len(forget.images)
        seen = replace(forget, images=embeddings, labels=None if forget.labels is None else forget.labels.repeat(times))
        view = MatrixedEmbedding(embeddings.shape[1], held or nn.Identity(), find_head(bare, forget.images))
        view = view.to(device=embeddings.device)
        with workers(embeddings.device) as pool:  # matrices so small are faster on one thread than shared by several
            edited = pool.submit(super().edit, view, seen, replace(run, augment=None)).result()
        matrix = cast("MatrixedEmbedding", edited.model).matrix.detach()
        return replace(edited, model=with_matrix(bare, held, matrix, forget.images[:_CHECKED], size))

    def trainable(self, student: nn.Module, forget: ForgetSet) -> Iterable[nn.Parameter]:
        """The rotation, or all layers."""
        return [student.matrix] if isinstance(student, MatrixedEmbedding) else super().trainable(student, forget)

    def after_step(self, student: nn.Module) -> None:
        """The matrix stays a rotation."""
        if isinstance(student, MatrixedEmbedding):
            student.make_rotation()

    def objective(self, scene: Scene) -> Objective:
        """KL( softmax(mask(teacher) / temperature) ‖ softmax(student) ); on an embedding, rows held."""
        settings, hold = self.settings, _hold(self.settings, scene)
        common = common_logits(scene, settings.batch_size) if settings.balanced else 0.0

        def loss(batch: Batch) -> Tensor:
            teacher = (batch.teacher_logits - common) / settings.temperature
            return delete_loss(batch.student_logits, teacher, batch.classes, where=batch.where) + hold(batch)

        return loss


def on_embedding(forget: ForgetSet) -> dict[str, Any]:
    """Settings of the rotation, by the number of classes; on which they were chosen is in docs/research.md."""
    others = len(forget.classes) - 1
    return {
        "learning_rate": 1e-2,
        "max_steps": 200 + 40 * others,
        "batch_size": 64,
        "margin": None,
    }


def _hold(settings: DeleteSettings, scene: Scene) -> Callable[[Batch], Tensor | float]:
    """What is added to the loss of the rotation; nothing where all layers move."""
    student, before = scene.student, scene.teacher
    if not isinstance(student, MatrixedEmbedding) or not isinstance(before, MatrixedEmbedding):
        return lambda batch: 0.0
    rows = functional.normalize(weight_of(before.head).detach(), dim=1)
    stay = rows[remaining(len(rows), scene.forget.classes)]
    with torch.no_grad():
        stay_then = before.directions(stay)

    def held(batch: Batch) -> Tensor:
        return settings.hold_rows * (student.directions(stay) - stay_then).square().sum(1).mean()

    return held


def _versions(images: Images, count: int, run: Run) -> Images:
    """The images, and so many varied versions of all of them."""
    augment = run.augment
    if augment is None:
        return images
    generator = torch.Generator().manual_seed(run.seed)
    return with_versions(images, [lambda batch: augment(batch, generator)] * count)


@torch.no_grad()
def common_logits(scene: Scene, batch_size: int) -> Tensor:
    """What the masked teacher says on average over the forget set, as log-probabilities.

    Returns:
        ``(1, C)``, or ``(1, C, 1, 1)`` for dense logits; 0 at the forgotten classes.
    """
    forget, said = scene.forget, list[Tensor]()
    for index in torch.split(torch.arange(len(forget.images)), batch_size):
        logits = scene.teacher(forget.images[index])
        kept = remaining(logits.shape[1], forget.classes)
        log_p = mask_logits(logits, forget.classes).log_softmax(1)[:, kept]
        where = None if forget.where is None else forget.where[index]
        said.append(torch.stack([chosen(log_p[:, column], where) for column in range(len(kept))]))
    common: Tensor = logits.new_zeros(1, logits.shape[1], *[1] * (logits.ndim - 2))
    common[:, kept] = torch.cat(said, 1).mean(1).view(1, -1, *common.shape[2:])
    return common
