"""How a classifier is trained: the paper's recipe, and a short one for two CPU cores. Checkpoints after each epoch."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.runner.fingerprint import fingerprint
from faceforget.api import write_atomically
from faceforget.progress import Event, Progress

# Of CIFAR-10's training images; near enough for the others.
MEAN, DEVIATION = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)


@dataclass(frozen=True)
class Budget:
    """A schedule.

    Attributes:
        epochs: Passes.
        batch_size: Images.
        learning_rate: The highest.
        weight_decay: Of SGD with Nesterov momentum .9.
        rises: Share of the steps in which the rate rises from 0; then it falls to 0 in a line. None: the paper's
            steps, a tenth after every 40 epochs.
        shift: Pixels by which images are moved at most.
        window: Pixels of the windows that are looked at first, which are cheap; None: whole images from the start.
        windows: Share of the steps on them.
    """

    epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    rises: float | None
    shift: int = 4
    window: int | None = None
    windows: float = 0.6

    def rate(self, step: int, steps: int) -> float:
        """The learning rate of a step."""
        if self.rises is None:
            return self.learning_rate * 0.1 ** (step * self.epochs // steps // 40)
        rising = max(1.0, self.rises * steps)
        return self.learning_rate * min((step + 1) / rising, (steps - step) / (steps - rising))


# "full" is the paper's for CIFAR (method.md 2). With few epochs small shifts are better (+1.2 points after three), and
# so are small batches. Windows: +.4 points in the time of three epochs, of one seed.
BUDGETS = {
    "short": Budget(10, 64, 0.08, 5e-4, 0.2, shift=2),
    "cpu": Budget(28, 64, 0.08, 5e-4, 0.2, shift=3, window=24),
    "full": Budget(150, 128, 0.1, 5e-4, None),
}


@dataclass(frozen=True)
class TrainingRecipe:
    """A :class:`faceforget.unlearn.data.Recipe`: from images to a classifier.

    Attributes:
        network: Makes a fresh one for so many classes.
        budget: The schedule.
        checkpoints: Folder for what is not finished; None: nothing is kept.
        name: Of the network, for the checkpoints.
    """

    network: Callable[[int], nn.Module]
    budget: Budget
    checkpoints: Path | None = None
    name: str = ""

    def __call__(self, images: Tensor, labels: Tensor, *, seed: int, progress: Progress) -> nn.Module:
        """Train on ``(N, 3, S, S)`` normalised images of the classes ``(N,)``, on their device."""
        device, budget = images.device, self.budget
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            torch.manual_seed(seed)
            model = self.network(int(labels.max()) + 1).to(device)
        model.to(memory_format=torch.channels_last)
        run = torch.compile(model) if device.type == "cuda" else model
        optimizer = torch.optim.SGD(model.parameters(), 1.0, 0.9, weight_decay=budget.weight_decay, nesterov=True)
        generator = torch.Generator().manual_seed(seed)
        path = self._path(images, labels, seed)
        begin = resume(path, model, optimizer, generator)
        per_epoch = -(-len(images) // budget.batch_size)
        for epoch in range(begin, budget.epochs):
            model.train()
            order = torch.randperm(len(images), generator=generator).to(device)
            for number, index in enumerate(torch.split(order, budget.batch_size)):
                done, steps = epoch * per_epoch + number, budget.epochs * per_epoch
                rate = budget.rate(done, steps)
                for group in optimizer.param_groups:
                    group["lr"] = rate
                shown = self.augment(images[index], generator)
                if budget.window is not None and done < budget.windows * steps:
                    shown = random_window(shown, generator, budget.window)
                with half(device):
                    loss = functional.cross_entropy(run(shown).float(), labels[index])
                optimizer.zero_grad(set_to_none=True)
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                if number % 20 == 0:
                    progress(Event("training", done, steps, {"loss": loss.item()}))
            keep(path, epoch + 1, model, optimizer, generator)
        progress(Event("training", budget.epochs * per_epoch, budget.epochs * per_epoch, final=True))
        if path is not None:
            path.unlink(missing_ok=True)
        return model.eval()

    def augment(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """What training does to ``(N, 3, S, S)`` images, for a method to do alike."""
        return flip_and_crop(images, generator, self.budget.shift)

    def _path(self, images: Tensor, labels: Tensor, seed: int) -> Path | None:
        if self.checkpoints is None:
            return None
        some = images[..., ::8, ::8]  # of each image: enough to tell which of them are there
        return self.checkpoints / f"{self.name}_{fingerprint(some, labels, self.budget, seed)}.pt"


def normalised(images: Tensor) -> Tensor:
    """``(N, 3, S, S)`` uint8 as the networks expect them: float32."""
    mean, deviation = (torch.tensor(values, device=images.device).view(1, 3, 1, 1) for values in (MEAN, DEVIATION))
    return images.float().div_(255).sub_(mean).div_(deviation)


def flip_and_crop(images: Tensor, generator: torch.Generator, shift: int) -> Tensor:
    """Half of ``(N, 3, S, S)`` images mirrored, each moved by up to ``shift`` pixels, with zeros at the edge."""
    count, _, height, width = images.shape
    padded = functional.pad(images, (shift,) * 4)
    down, right = (torch.randint(0, 2 * shift + 1, (count, 1), generator=generator) for _ in range(2))
    mirrored = torch.rand(count, 1, generator=generator) < 0.5
    columns = torch.where(mirrored, torch.arange(width - 1, -1, -1), torch.arange(width)) + right
    rows, device = torch.arange(height) + down, images.device
    photo = torch.arange(count, device=device).view(-1, 1, 1)
    moved = padded.permute(0, 2, 3, 1)[photo, rows.to(device)[:, :, None], columns.to(device)[:, None, :]]
    return moved.permute(0, 3, 1, 2)


def random_window(images: Tensor, generator: torch.Generator, size: int) -> Tensor:
    """The same window of ``size`` pixels of all ``(N, 3, S, S)`` images."""
    down, right = (int(torch.randint(images.shape[side] - size + 1, (), generator=generator)) for side in (2, 3))
    found = images[:, :, down : down + size, right : right + size]
    return found.contiguous(memory_format=torch.channels_last)


def half(device: torch.device) -> AbstractContextManager[object]:
    """Mixed precision where the processor has it (twice as fast on both kinds); elsewhere it would be emulated."""
    able = torch.cpu.get_capabilities()
    if device.type == "cuda" or able.get("avx512_bf16") or able.get("amx_bf16"):
        return torch.autocast(device.type, torch.bfloat16)
    return nullcontext()


def keep(
    path: Path | None, epoch: int, model: nn.Module, optimizer: torch.optim.Optimizer, generator: torch.Generator
) -> None:
    """Write what :func:`resume` needs; nothing without a path."""
    if path is None:
        return
    import io

    buffer = io.BytesIO()
    state = {"epoch": epoch, "model": model.state_dict(), "optimizer": optimizer.state_dict()}
    torch.save({**state, "generator": generator.get_state()}, buffer)
    write_atomically(path, buffer.getvalue())


def resume(path: Path | None, model: nn.Module, optimizer: torch.optim.Optimizer, generator: torch.Generator) -> int:
    """Fill in what :func:`keep` has written, if anything; returns the epoch to go on with."""
    if path is None or not path.is_file():
        return 0
    state = torch.load(path, map_location=next(model.parameters()).device, weights_only=True)
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    generator.set_state(state["generator"].cpu())
    return int(state["epoch"])
