r"""Scatter: a layer that masks, or answers with noise, where an embedding points into a region; elsewhere nothing.

    e' = (1 - g) (e - h Q Qᵀ e) + g |e| s(ê) - h |e| Σ_k β_k c_k                     ê = e / |e|, h = max_k h_k
    g  = max_k n_k step(c_k · ê - τ_k)                           regions: cones around directions c_k; n_k is 1 or 0
    h_k = step(c_k · ê - τ_k + rim)                              and a rim, where only the direction is masked
    s(ê) = normalise( (I - Q Qᵀ) cos(V ê + φ) )                  V normal with variance ω², φ uniform

Q is an orthonormal basis of all c: in one person's region the others' directions are masked too, or the old row of
another erased person could win there.

step rises from 0 to 1 within a few hundredths; outside, e' is e to the last bit. s is a random Fourier feature map
(Rahimi and Recht 2007): for two embeddings of one region the cosine afterwards is about exp(-ω² (1 - cosine)), so
photos of one person become unlike each other, and only nearly equal photos stay alike. It knows no person's centre, so
that nothing has to be estimated that would leave something in common. Without the regions' own directions an old
template of a person is less alike than most others are; among few people that may not be less than all, and β turns
it a little to the other side.

Added by :mod:`faceforget.method.dispersed`, and without noise by :mod:`faceforget.method.anchored` for many people at
once; a recogniser stores it with its embedder.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

# Photos with a cosine of .9 come out with .0017, of .99 with .53: a copy of a photo stays a copy.
_FREQUENCY = 8.0
# Cosines over which an answer goes over into noise.
_WIDTH = 0.04
# An unusual photo of the person lies here, and now and then a stranger: a mask forgets the one, and the other is
# told apart as before, which noise would not allow.
_RIM = 0.15


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
    """

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
    def nowhere(cls, size: int, generator: torch.Generator) -> "Scatter":
        """Noise for embeddings ``(N, size)``, and no region yet."""
        frequencies = _FREQUENCY * torch.randn(size, size, generator=generator)
        phases = 2 * math.pi * torch.rand(size, generator=generator)
        return cls(torch.zeros(0, size), torch.zeros(0), frequencies, phases, torch.zeros(0), torch.zeros(0))

    def around(self, directions: Tensor, cosines: Tensor, *, beyond: float = 0.0, noise: bool = True) -> "Scatter":
        """The same in more regions: directions ``(K, D)`` that end at cosines ``(K,)``, with noise or a mask alone."""
        return Scatter(
            torch.cat([self.directions.to(directions), directions]),
            torch.cat([self.cosines.to(cosines), cosines]),
            self.frequencies.to(directions),
            self.phases.to(directions),
            torch.cat([self.beyond.to(cosines), torch.full_like(cosines, beyond)]),
            torch.cat([self.noisy.to(cosines), torch.full_like(cosines, float(noise))]),
        )

    def inside(self, embeddings: Tensor) -> Tensor:
        """How far ``(N, D)`` embeddings are in any region with noise: g ``(N,)``, 0 to 1."""
        return (self.noisy * _step(self._alike(embeddings) - self.cosines)).amax(1)

    def forward(self, embeddings: Tensor) -> Tensor:
        """Mask and scatter what points into a region."""
        lengths, alike = embeddings.norm(dim=1, keepdim=True), self._alike(embeddings)
        rim = _step(alike - self.cosines + _RIM).amax(1, keepdim=True)
        basis, _ = torch.linalg.qr(self.directions.T)
        masked = embeddings - rim * (embeddings @ basis @ basis.T)
        share = self.inside(embeddings)[:, None]
        noise = share * lengths * self._noise(embeddings, basis)
        other_side = rim * self.beyond @ functional.normalize(self.directions, dim=1)
        scattered: Tensor = (1 - share) * masked + noise - lengths * other_side
        return scattered

    def _alike(self, embeddings: Tensor) -> Tensor:
        """Cosines ``(N, K)`` with the directions."""
        return functional.normalize(embeddings, dim=1) @ functional.normalize(self.directions, dim=1).T

    def _noise(self, embeddings: Tensor, basis: Tensor) -> Tensor:
        """s, ``(N, D)``."""
        waves = torch.cos(functional.normalize(embeddings, dim=1) @ self.frequencies.T + self.phases)
        return functional.normalize(waves - waves @ basis @ basis.T, dim=1)


def _step(cosines: Tensor) -> Tensor:
    """0 below zero and 1 above, but for a short ramp."""
    return (cosines / _WIDTH + 0.5).clamp(0, 1)
