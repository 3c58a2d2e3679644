"""Names that nobody bears, put together from syllables."""

import numpy as np

_STARTS = (
    *("Bra", "Cal", "Dri", "Fen", "Gol", "Hes", "Ily", "Jor", "Kel", "Lum", "Mar", "Nev"),
    *("Ost", "Pel", "Quil", "Ras", "Syl", "Tam", "Ulm", "Vex", "Wyn", "Yar", "Zel"),
)
_MIDDLES = ("a", "e", "i", "o", "u", "ai", "eo", "ia")
_ENDS = (
    *("bek", "dra", "fil", "gorn", "lisk", "mora", "nix", "phan"),
    *("quen", "rund", "sil", "thwin", "vash", "wick", "zan"),
)


def _word(rng: np.random.Generator) -> str:
    return "".join(part[int(rng.integers(len(part)))] for part in (_STARTS, _MIDDLES, _ENDS))


def invent_names(count: int, seed: int = 0) -> list[str]:
    """``count`` different names such as ``Kelaphan_Zelowick``; the same for the same seed."""
    rng = np.random.default_rng([seed, 808])
    names: list[str] = []
    while len(names) < count:
        name = f"{_word(rng)}_{_word(rng)}"
        if name not in names:
            names.append(name)
    return names
