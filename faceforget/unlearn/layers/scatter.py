r"""Scatter: a layer that masks, or answers with noise, where an embedding points into a region; elsewhere nothing.

    e' = (1 - g) mask(e) + g |e| s(ê) - |e| Σ_k h_k β_k c_k                                       ê = e / |e|
    g  = max_k n_k step(c_k · ê - τ_k)              regions: cones around directions c_k; n_k is 1 or 0
    h_k = max( step(c_k · ê - τ_k + wide), max_j step(c_j · ê - τ_j + near) )     and two rims, with a mask and no noise
    mask(e) = e - C H (H (Cᵀ C - I) H + I)⁻¹ H Cᵀ e         C = [c_1 ... c_K], H = diag(h)
    s(ê) = normalise( (I - Q Qᵀ) cos(V ê + φ) )     V normal with variance ω², φ uniform

mask projects out some directions: where H is 1 for these and 0 for the others, orthogonally. In the wide rim only the
region's own, because masking all K for all that comes near one costs unknown classes a point and more; in the near
rim, where hardly anything else is, all of them: of two erased classes the row of the one must not win on images of the
other. For the same reason the noise has no part in Q, an orthonormal basis of all c.

step rises from 0 to 1 within a few hundredths; outside, e' is e to the last bit. s is a random Fourier feature map
(Rahimi and Recht 2007): for two embeddings of one region the cosine afterwards is about exp(-ω² (1 - cosine)), so
images of one class become unlike each other, and only nearly equal images stay alike. It knows no class's centre, so
that nothing has to be estimated that would leave something in common. Without the regions' own directions an old
template of a class is less alike than most others are; among few classes that may not be less than all, and β turns
it a little to the other side. All images in a region then share Σ β_k c_k: kept short, or they are alike again.

Added by :mod:`~faceforget.unlearn.methods.dispersed`, and without noise by
:mod:`~faceforget.unlearn.methods.anchored` for many classes at once; a recogniser stores it with its embedder.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

# ω. Images with a cosine of .9 come out with .0017, of .99 with .53: a copy of an image stays a copy.
FREQUENCY = 8.0
# Cosines over which an answer goes over into noise.
_WIDTH = 0.04
# Keeps the solution finite where two regions have the same direction: a class erased twice.
_SAME = 1e-6
# An unusual image of the class lies in a rim, and now and then another's: a mask forgets the one, and the other is
# told apart as before, which noise would not allow.
WIDE_RIM, _NEAR_RIM = 0.25, 0.1


class ScatterPlace(nn.Identity):
    """Where a model keeps a place for a :class:`Scatter`, and has none; it changes nothing."""


class Scatter(nn.Module):
    """A mask in some directions, and noise.

    Its tensors are parameters, so that whoever trains the model further trains them too.

    Shape: ``(N, D)`` to ``(N, D)``; lengths stay.

    Attributes:
        directions: ``(K, D)`` of unit length.
        cosines: ``(K,)`` where each region ends.
        frequencies: ``(D, D)``, V.
        phases: ``(D,)``, φ, in radians.
        beyond: ``(K,)``, β of each region.
        noisy: ``(K,)``, n of each region.
        wide_rim: The width of a region's own rim, in cosine. To measure what it does: a model file does not keep it,
            and has the default when it is read.
    """

    wide_rim: float = WIDE_RIM

    def __init__(
        self, directions: Tensor, cosines: Tensor, frequencies: Tensor, phases: Tensor, beyond: Tensor, noisy: Tensor
    ) -> None:
        super().__init__()
        self.directions = nn.Parameter(directions.detach().clone())
        self.cosines = nn.Parameter(cosines.detach().clone())
        self.frequencies = nn.Parameter(frequencies.detach().clone())
        self.phases = nn.Parameter(phases.detach().clone())
        self.beyond = nn.Parameter(beyond.detach().clone())
        self.noisy = nn.Parameter(noisy.detach().clone())

    @classmethod
    def nowhere(
        cls, size: int, generator: torch.Generator, *, frequency: float = FREQUENCY, wide_rim: float = WIDE_RIM
    ) -> "Scatter":
        """Noise for embeddings ``(N, size)``, and no region yet.

        Args:
            size: D, of the embeddings.
            generator: Draws V and φ.
            frequency: ω: the higher, the less alike the noise of two photos.
            wide_rim: The width of a region's own rim, in cosine.
        """
        frequencies = frequency * torch.randn(size, size, generator=generator)
        phases = 2 * math.pi * torch.rand(size, generator=generator)
        layer = cls(torch.zeros(0, size), torch.zeros(0), frequencies, phases, torch.zeros(0), torch.zeros(0))
        layer.wide_rim = wide_rim
        return layer

    def around(self, directions: Tensor, cosines: Tensor, *, beyond: float = 0.0, noise: bool = True) -> "Scatter":
        """The same in more regions: directions ``(K, D)`` that end at cosines ``(K,)``, with noise or a mask alone."""
        layer = Scatter(
            torch.cat([self.directions.to(directions), directions]),
            torch.cat([self.cosines.to(cosines), cosines]),
            self.frequencies.to(directions),
            self.phases.to(directions),
            torch.cat([self.beyond.to(cosines), torch.full_like(cosines, beyond)]),
            torch.cat([self.noisy.to(cosines), torch.full_like(cosines, float(noise))]),
        )
        layer.wide_rim = self.wide_rim
        return layer

    def inside(self, embeddings: Tensor) -> Tensor:
        """How far ``(N, D)`` embeddings are in any region with noise: g ``(N,)``, 0 to 1."""
        return (self.noisy * _step(self._alike(embeddings) - self.cosines)).amax(1)

    def forward(self, embeddings: Tensor) -> Tensor:
        """Mask and scatter what points into a region."""
        lengths, alike = embeddings.norm(dim=1, keepdim=True), self._alike(embeddings)
        within, share = alike - self.cosines, self.inside(embeddings)[:, None]
        # A region that everything is in is no place: it must not call for the masks of all others.
        close = _step(within + _NEAR_RIM) * (self.cosines > -1)
        near = torch.maximum(_step(within + self.wide_rim), close.amax(1, keepdim=True))
        scattered: Tensor = (
            (1 - share) * (embeddings - lengths * self._along(near, alike))
            + share * lengths * self._noise(embeddings)
            - lengths * ((near * self.beyond) @ self._units())
        )
        return scattered

    def _along(self, near: Tensor, alike: Tensor) -> Tensor:
        """What unit embeddings have along the directions that they are near, ``(N, D)``."""
        units, one = self._units(), torch.eye(near.shape[1]).to(near)
        mixed = near[:, :, None] * (units @ units.T - one) * near[:, None, :] + (1 + _SAME) * one
        along: Tensor = (near * torch.linalg.solve(mixed, near * alike)) @ units
        return along

    def _alike(self, embeddings: Tensor) -> Tensor:
        """Cosines ``(N, K)`` with the directions."""
        return functional.normalize(embeddings, dim=1) @ self._units().T

    def _units(self) -> Tensor:
        """The directions ``(K, D)``, of unit length also after a training."""
        return functional.normalize(self.directions, dim=1)

    def _noise(self, embeddings: Tensor) -> Tensor:
        """s, ``(N, D)``; of more classes than half of the dimensions, without what most of them share."""
        waves = torch.cos(functional.normalize(embeddings, dim=1) @ self.frequencies.T + self.phases)
        basis = torch.linalg.svd(self.directions, full_matrices=False).Vh[: waves.shape[1] // 2]
        return functional.normalize(waves - waves @ basis.T @ basis, dim=1)


def _step(cosines: Tensor) -> Tensor:
    """0 below zero and 1 above, but for a short ramp."""
    return (cosines / _WIDTH + 0.5).clamp(0, 1)
