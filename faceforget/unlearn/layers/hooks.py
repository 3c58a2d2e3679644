"""Hear what the layers of a network say, for as long as a ``with`` block lasts."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from torch import Tensor, nn

# Of a layer, its inputs and its output; what is returned, unless None, takes the output's place.
Listener = Callable[[nn.Module, tuple[Any, ...], Any], Tensor | None]


@contextmanager
def heard(layers: Iterable[nn.Module], listener: Listener) -> Iterator[None]:
    """Let a listener hear each of the layers whenever it runs."""
    with ExitStack() as stack:
        for layer in layers:
            stack.callback(layer.register_forward_hook(listener).remove)
        yield


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Put a model into evaluation mode, and each of its modules back into the mode that it was in."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training
