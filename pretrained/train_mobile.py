"""Train ``pretrained/mobile.safetensors`` from a random start by distillation.

Run from the repository's root: ``python -m pretrained.train_mobile --work out/mobile``. Two phases:

1. ``blocks``: every segment of the network learns by itself to turn the teacher's input into the
   teacher's output; short paths and dense targets make this fast (hints: Romero et al. 2015,
   arXiv 1412.6550; block by block: Li et al. 2020, arXiv 1911.13053). The batch statistics of
   this phase belong to crops of maps, so the network is of no use before the second phase.
2. ``whole``: the network as one, towards the teacher's embedding and the similarities within the
   batch, with the hints kept at a small weight.

No tensor of the teacher is copied, batch statistics included. The run continues from its last
checkpoint if there is one.
"""

import argparse
import json
import logging
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import Tensor, nn

from faceforget.recognizer.mobilefacenet import MobileFaceNet
from pretrained.distil_data import batches
from pretrained.face_pool import SHARED, TEMPLATE_SIZE, Faces, load_faces
from pretrained.muon import Muon, is_dense
from pretrained.scores import embed, load_backbone, normalise, score
from pretrained.segments import Corner, Maps, chain, embedding_loss, fold_batch_norm, segment_error
from pretrained.segments import relative_error as relative

POOL_SIZE = 128
log = logging.getLogger("train_mobile")


class Trainer:
    """Student, teacher, optimiser and the place in the schedule."""

    def __init__(self, args: argparse.Namespace, pool: NDArray[np.uint8], held_out: Faces) -> None:
        self.args, self.pool, self.held_out = args, pool, held_out
        torch.manual_seed(args.seed)
        self.student = MobileFaceNet().to(memory_format=torch.channels_last)
        self.maps = Maps(chain(self.student))
        self.compiled: Callable[[Tensor], list[Tensor]] = self.maps
        if args.compile:
            self.compiled = torch.compile(self.maps)
        teacher = load_backbone(args.teacher)
        self.held_out_teacher = self.reference(teacher)
        fold_batch_norm(teacher)
        self.teacher = Maps(chain(teacher)).to(memory_format=torch.channels_last).requires_grad_(False)
        self.optimisers = self.fresh_optimisers()
        self.rng = np.random.default_rng(args.seed)
        self.phase, self.seconds, self.step, self.images = "blocks", 0.0, 0, 0
        self.progress = 0.0

    def reference(self, teacher: nn.Module) -> Tensor:
        """The teacher's embeddings of the held-out people, computed once per work folder."""
        cache = Path(self.args.work) / "held_out_teacher.pt"
        if not cache.exists():
            torch.save(embed(teacher, self.held_out.crops), cache)
        return torch.as_tensor(torch.load(cache, weights_only=True))

    def fresh_optimisers(self) -> list[torch.optim.Optimizer]:
        """Muon for the dense convolutions, Adam for depthwise kernels, norms and biases."""
        dense = [p for p in self.student.parameters() if is_dense(p)]
        rest = [p for p in self.student.parameters() if not is_dense(p)]
        return [Muon(dense), torch.optim.Adam(rest)]

    def set_rates(self, share: float) -> None:
        """Both optimisers' learning rates, as a share of the peak."""
        peaks = self.args.blocks_rates if self.phase == "blocks" else self.args.whole_rates
        for optimiser, peak in zip(self.optimisers, peaks, strict=True):
            optimiser.param_groups[0]["lr"] = peak * share

    @property
    def checkpoint(self) -> Path:
        """Where the run continues from."""
        return Path(self.args.work) / "checkpoint.pt"

    def save(self) -> None:
        """Write the checkpoint; a cut leaves the previous one."""
        place = {k: getattr(self, k) for k in ("phase", "seconds", "step", "images")}
        state = {"student": self.student.state_dict(), **place}
        state["optimisers"] = [o.state_dict() for o in self.optimisers]
        partial = self.checkpoint.with_suffix(".partial")
        torch.save(state, partial)
        partial.replace(self.checkpoint)

    def resume(self) -> None:
        """Continue where the last run stopped."""
        if not self.checkpoint.exists():
            return
        state = torch.load(self.checkpoint, weights_only=True)
        self.student.load_state_dict(state["student"])
        for optimiser, stored in zip(self.optimisers, state["optimisers"], strict=False):
            optimiser.load_state_dict(stored)
        for name in ("phase", "seconds", "step", "images"):
            setattr(self, name, state[name])
        log.info("continues phase %s at %.1f min, step %d", self.phase, self.seconds / 60, self.step)

    def evaluate(self) -> dict[str, Any]:
        """Scores on people the student never saw, appended to ``curve.jsonl``."""
        self.student.eval()
        vectors = embed(self.student, self.held_out.crops, bf16=True)
        result = asdict(score(vectors, self.held_out.people, self.held_out_teacher))
        row = {"phase": self.phase, "minutes": self.seconds / 60, "images": self.images, **result}
        with (Path(self.args.work) / "curve.jsonl").open("a") as file:
            file.write(json.dumps(row) + "\n")
        log.info(" ".join(f"{k} {v:.4f}" for k, v in result.items()))
        return row

    def blocks_loss(self, x: Tensor, targets: list[Tensor]) -> tuple[Tensor, str]:
        """Phase 1: the mean of the segments' own errors, which share no gradient."""
        inputs = [x, *targets[:-1]]
        corner = Corner(*self.rng.random(2))
        errors = torch.stack(
            [segment_error(segment, i, inputs[i], targets[i], corner) for i, segment in enumerate(self.maps.segments)]
        )
        return errors.sum(), "errors " + " ".join(f"{e:.3f}" for e in errors.detach())

    def whole_loss(self, x: Tensor, targets: list[Tensor]) -> tuple[Tensor, str]:
        """Phase 2: the embedding, with hints at every segment."""
        outputs = self.compiled(x)
        hints = torch.stack([relative(o, t) for o, t in zip(outputs[1:], targets[1:], strict=True)])
        loss, cosine = embedding_loss(outputs[-1], targets[-1], self.args.relational)
        shown = f"cosine {cosine:.4f} hints " + " ".join(f"{h:.2f}" for h in hints.detach())
        # Early the hints lead, late the embedding, which is what counts.
        weight = self.args.hints * (0.05 + 0.95 * (1 - self.progress) ** 2)
        return loss + weight * hints.mean(), shown

    def set_mode(self) -> None:
        """Batch statistics while the maps still move, then fixed ones as in use."""
        self.student.train(self.phase == "blocks" or self.progress < self.args.fix_batch_norm)

    def run_phase(self, faces: Iterator[Tensor], minutes: float) -> None:
        """Train until the phase has used its ``minutes``; the rate follows a cosine in time."""
        loss_of = self.blocks_loss if self.phase == "blocks" else self.whole_loss
        last = logged = saved = evaluated = time.time()
        since = self.images
        while self.seconds < minutes * 60:
            self.progress = self.seconds / (minutes * 60)
            share = 0.01 + 0.99 * (1 + math.cos(math.pi * self.progress)) / 2
            self.set_rates(share * min(1, (self.seconds + 3) / 30))
            self.set_mode()
            x = normalise(next(faces)).contiguous(memory_format=torch.channels_last)
            with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
                targets = self.teacher(x)
            targets = [t.float() for t in targets]
            with torch.autocast("cpu", torch.bfloat16, enabled=not self.args.compile):
                loss, shown = loss_of(x, targets)
            self.student.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            for optimiser in self.optimisers:
                optimiser.step()
            self.step, self.images = self.step + 1, self.images + len(x)
            now = time.time()
            self.seconds, last = self.seconds + now - last, now
            if now - logged > 30:
                speed, left = (self.images - since) / (now - logged), minutes - self.seconds / 60
                log.info("%s %d: %.0f/s, %.1f min left, %s", self.phase, self.step, speed, left, shown)
                logged, since = now, self.images
            if now - saved > 60 * self.args.save_minutes:
                self.save()
                saved = now
            if now - evaluated > 60 * self.args.evaluate_minutes:
                self.evaluate()
                # Evaluation is not training time.
                evaluated = logged = last = time.time()
                since = self.images

    def run(self) -> None:
        """Both phases, then the final weights in ``final.safetensors``."""
        self.resume()
        faces = batches(self.pool, self.args.batch, self.args.seed + self.step, self.args.blends)
        if self.phase == "blocks":
            self.run_phase(faces, self.args.blocks_minutes)
            self.evaluate()
            self.phase, self.seconds = "whole", 0.0
            self.optimisers = self.fresh_optimisers()
            self.save()
        self.run_phase(faces, self.args.whole_minutes)
        self.save()
        self.evaluate()
        weights = {k: v.contiguous() for k, v in self.student.state_dict().items()}
        save_file(weights, Path(self.args.work) / "final.safetensors")


def parse() -> argparse.Namespace:
    """Command line; the defaults are those of the shipped weights."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--work", type=Path, required=True, help="folder for crops, checkpoint and curve")
    parser.add_argument("--teacher", type=Path, default=SHARED / "weights/mobilefacenet_ms1m.safetensors")
    parser.add_argument("--faces", type=Path, default=SHARED / "data/lfw_rest_160.zip")
    parser.add_argument("--extra", type=Path, nargs="*", default=[], help="more pools (.npz of face_pool)")
    parser.add_argument("--held-out", type=Path, default=SHARED / "data/lfw")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--batch", type=int, default=56)
    parser.add_argument("--blends", type=float, default=0.4, help="share of blends of two faces")
    parser.add_argument("--blocks-minutes", type=float, default=9.5)
    parser.add_argument("--whole-minutes", type=float, default=64)
    rates = ("MUON", "ADAM")
    parser.add_argument("--blocks-rates", type=float, nargs=2, metavar=rates, default=(0.05, 4e-3))
    parser.add_argument("--whole-rates", type=float, nargs=2, metavar=rates, default=(0.008, 1.5e-3))
    parser.add_argument("--hints", type=float, default=3.0)
    parser.add_argument("--relational", type=float, default=5.0)
    parser.add_argument("--fix-batch-norm", type=float, default=0.42, help="share of phase 2 before that")
    parser.add_argument("--save-minutes", type=float, default=3)
    parser.add_argument("--evaluate-minutes", type=float, default=8)
    parser.add_argument("--compile", action=argparse.BooleanOptionalAction, default=True)
    return parser.parse_args()


def main() -> None:
    """Train from the command line."""
    args = parse()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    torch.set_num_threads(args.threads)
    args.work.mkdir(parents=True, exist_ok=True)
    pool = [load_faces(args.faces, args.work / "pool.npz", POOL_SIZE).crops]
    pool += [load_faces(extra, extra, POOL_SIZE).crops for extra in args.extra]
    held_out = load_faces(args.held_out, args.work / "held_out.npz", TEMPLATE_SIZE)
    log.info("%d faces to learn from", sum(map(len, pool)))
    Trainer(args, np.concatenate(pool), held_out).run()


if __name__ == "__main__":
    main()
