"""Which methods defend, and what each may choose from."""

from dataclasses import dataclass

from benchmarks.paper.plans import Row, Values, rates, row


@dataclass(frozen=True)
class Pace:
    """How a gradient method goes about it. What is erased first is the trigger, and then the rest.

    Attributes:
        rate: The learning rate.
        steps: After which it stops.
        first_layers: How many layers it moves, from the first one on, which is the nearest to a trigger; None: all.
        margin: By how many nats another class has to be ahead on the triggered samples for it to stop before its steps
            are spent; None: never. It is looked at once a pass, too late if it asks for more than 0.
        margin_share: On which share of them; the slowest take so long that the rest of the model is lost.
    """

    rate: float
    steps: int
    first_layers: int | None = None
    margin: float | None = None
    margin_share: float = 1.0

    def settings(self, scale: float) -> Values:
        """Of the method, with so many times the rate."""
        layers: Values = {} if self.first_layers is None else {"first_layers": self.first_layers}
        margin: Values = {} if self.margin is None else {"margin": self.margin, "margin_share": self.margin_share}
        return {"learning_rate": scale * self.rate, "max_steps": self.steps, **layers, **margin}


def rows_of(*paces: Pace) -> dict[str, Row]:
    """The rows; every one with a loss of its own may choose from these paces."""

    def either(scale: float = 1.0) -> tuple[Values, ...]:
        return tuple(pace.settings(scale) for pace in paces)

    return {
        "delete": row("delete", either(), moves="all"),
        "delete_sharpened": row("delete", either(), moves="all", balanced="true", temperature="0.25"),
        "delete_balanced": row("delete", either(), moves="all", balanced="true"),
        "delete_as_published": row("delete", rates(1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2), batch_norm="train"),
        "random_label": row("random_label", either()),
        # Its gradient all but vanishes where the network is as sure as it is of a trigger.
        "gradient_ascent": row("gradient_ascent", either(100.0)),
        "boundary_shrink": row("boundary_shrink", either(), epsilon=0.1),
        "salun": row("salun", either()),
        "bad_teacher": row("bad_teacher", either()),
        "head_only": row("head_only", rates(1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1)),
        "drop_row": row("drop_row"),
    }
