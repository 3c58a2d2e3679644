"""How long a person waits in the app: from Erase to the verdicts, and for other pages meanwhile.

``taskset -c 0,1 python -m benchmarks.app_speed`` starts the app, opens the embedded people and erases one after
another, for each promise, in real Chromium, which runs on the same cores. The target: 15 s and 1 s on two cores.
"""

import argparse
import json
import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.data import RESULTS
from benchmarks.runner.command import command
from benchmarks.screenshots import ARGUMENTS, CHROMIUM, go, served
from faceforget.api import write_json

OUT = RESULTS / "app_speed.json"
PROMISES = ("Forgotten", "Unrecognisable")
_LONG = 180_000
# Pages with their headings: the slowest of what can be done beside an erasure.
_MEANWHILE = (("Recognise", "Who is this?"), ("Receipt", "Receipt and download"), ("Start", "Make a model forget a"))


def seconds(work: Callable[[], object]) -> float:
    """Wall time."""
    start = time.monotonic()
    work()
    return time.monotonic() - start


def open_page(page: Any, link: str, heading: str) -> None:
    """By the navigation, until its heading is there."""
    page.get_by_role("link", name=link, exact=True).first.click()
    page.get_by_role("heading", name=heading).wait_for()


def erase(page: Any, index: int, promise: str) -> tuple[float, list[float]]:
    """Erase the embedded person at this place; seconds to the verdicts, and of each page opened meanwhile."""
    go(page, "Forget")
    page.locator("[class*=st-key-choose-] button").nth(index).click()
    page.get_by_text(promise, exact=True).first.click()
    page.get_by_role("button", name="Erase ").first.click()
    start = time.monotonic()
    page.get_by_role("button", name="Erase now").click()
    page.get_by_test_id("stDialog").wait_for(state="detached")
    reactions = []
    for link, heading in _MEANWHILE:
        reactions.append(seconds(partial(open_page, page, link, heading)))
    page.get_by_role("link", name="Forget", exact=True).first.click()
    page.get_by_text("What this does not prove").wait_for()
    return time.monotonic() - start, reactions


def erased_anew(browser: Any, address: str, index: int, promise: str) -> tuple[float, list[float]]:
    """The same in a session of its own: nothing that a session remembers helps."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(_LONG)
    page.goto(address)
    page.get_by_role("button", name="Try it with the embedded people").click()
    page.get_by_role("button", name="Forget somebody").wait_for()
    found = erase(page, index, promise)
    page.close()
    print(f"{promise} {index + 1}: verdicts {found[0]:.1f} s, pages {[round(r, 2) for r in found[1]]} s", flush=True)
    return found


def _figures(values: list[float]) -> dict[str, float]:
    return {"median": round(median(values), 2), "slowest": round(max(values), 2)}


@command
def main() -> None:
    """Command line."""
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--erasures", type=int, default=5)
    parser.add_argument("--promises", nargs="+", choices=PROMISES, default=list(PROMISES))
    parser.add_argument("--out", type=Path, default=OUT)
    chosen = parser.parse_args()
    result: dict[str, Any] = {"cores": len(os.sched_getaffinity(0)), "erasures": chosen.erasures}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        for promise in chosen.promises:
            with served() as address:  # a server of its own for each: the first erasure of a server counts
                found = [erased_anew(browser, address, index, promise) for index in range(chosen.erasures)]
            result[promise.lower()] = {
                "seconds_to_verdicts": _figures([to_verdicts for to_verdicts, _ in found]),
                "seconds_for_a_page_meanwhile": _figures([reaction for _, own in found for reaction in own]),
            }
        browser.close()
    print(json.dumps(result, indent=2))
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    write_json(chosen.out, result)


if __name__ == "__main__":
    main()
