"""Which methods defend, and what each may choose from: the same number of candidates for all."""

from benchmarks.paper.plans import Row, Values, rates, row


def either_layers(first_layers: int, whole: float, *few: float) -> dict[str, Row]:
    """Every row may train all layers at one rate, or the first ones, which see a trigger, at three.

    Args:
        first_layers: How many are the first ones.
        whole: The learning rate of all layers.
        few: The rates of the first ones.
    """

    def either(scale: float = 1.0) -> tuple[Values, ...]:
        firsts = ({"learning_rate": scale * rate, "first_layers": first_layers} for rate in few)
        return ({"learning_rate": scale * whole}, *firsts)

    return {
        "delete": row("delete", either()),
        "delete_balanced": row("delete", either(), balanced="true"),
        "delete_as_published": row("delete", rates(3e-4, 1e-3, 3e-3, 1e-2), batch_norm="train"),
        "random_label": row("random_label", either()),
        # Its gradient all but vanishes where the network is as sure as it is of a trigger.
        "gradient_ascent": row("gradient_ascent", either(100.0)),
        "boundary_shrink": row("boundary_shrink", either(), epsilon=0.1),
        "salun": row("salun", either()),
        "bad_teacher": row("bad_teacher", either()),
        "head_only": row("head_only", rates(3e-3, 1e-2, 3e-2, 1e-1)),
        "drop_row": row("drop_row"),
    }
