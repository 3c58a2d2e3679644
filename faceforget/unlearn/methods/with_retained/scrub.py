"""SCRUB: obey the original model on the retain set, disobey it on the forget set, in turn.

Kurmanji et al., "Towards Unbounded Machine Unlearning", NeurIPS 2023, arXiv 2302.09880. Reads the
forget and the retain set. With teacher T and student S:

    max-step:  - KL( T(x_f) ‖ S(x_f) )                               for the first ``forget_steps``
    min-step:  α KL( T(x_r) ‖ S(x_r) ) + γ CE( S(x_r), y_r )

KL is taken at a temperature and multiplied by its square, as in distillation (4, from memory): at
the start student and teacher agree and the max-step has no gradient, and where the teacher is sure
its probabilities at temperature 1 are so flat that the student hardly leaves.

Deviations: the two alternate by step, not by epoch; the max-step is bounded as in
``gradient_ascent``; the loop's margin stops early. The paper's "rewind" is not done.
"""

from typing import ClassVar

from pydantic import Field
from torch import Tensor
from torch.nn import functional

from faceforget.unlearn.base import Reads
from faceforget.unlearn.eraser import Batch, Eraser, Settings
from faceforget.unlearn.methods.forget_only.gradient_ascent import bounded_ascent
from faceforget.unlearn.methods.with_retained.finetune import retained_of
from faceforget.unlearn.settings import MethodSettings


class ScrubSettings(Settings):
    """Weights of the three terms; a larger rate than DELETE's, for the same reason as the temperature."""

    learning_rate: float = Field(1e-2, gt=0)
    alpha: float = Field(1.0, ge=0, description="Of the divergence on the retain set.")
    gamma: float = Field(1.0, ge=0, description="Of the cross-entropy on the retain set.")
    temperature: float = Field(4.0, gt=0, description="Of both divergences.")
    bound: float = Field(8.0, gt=0, description="Nats of divergence beyond which a forget image does not count.")
    forget_steps: int = Field(40, ge=1, description="Max-steps end here; after it all steps are min-steps.")


class Scrub(Eraser):
    """Max-steps and min-steps in turn."""

    name: ClassVar[str] = "scrub"
    paper: ClassVar[str] = "Kurmanji et al., SCRUB, NeurIPS 2023, arXiv 2302.09880"
    reads: ClassVar[tuple[Reads, ...]] = ("forget photos", "retained photos")
    settings_type: ClassVar[type[MethodSettings]] = ScrubSettings
    settings: ScrubSettings

    def loss(self, batch: Batch) -> Tensor:
        """A max-step at even steps while they last, otherwise a min-step."""
        if batch.step % 2 == 0 and batch.step < self.settings.forget_steps:
            away = batch.select(divergence(batch.teacher_logits, batch.student_logits, self.settings.temperature))
            return bounded_ascent(away, self.settings.bound)
        beside = retained_of(batch)
        near = divergence(beside.teacher_logits, beside.student_logits, self.settings.temperature).mean()
        return self.settings.alpha * near + self.settings.gamma * functional.cross_entropy(
            beside.student_logits.float(), beside.labels
        )


def divergence(teacher_logits: Tensor, student_logits: Tensor, temperature: float) -> Tensor:
    """KL( teacher ‖ student ) of each sample or position at a temperature, times its square."""
    log_p = functional.log_softmax(teacher_logits.float() / temperature, dim=1)
    log_q = functional.log_softmax(student_logits.float() / temperature, dim=1)
    return functional.kl_div(log_q, log_p, reduction="none", log_target=True).sum(1) * temperature**2
