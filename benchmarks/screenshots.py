"""Pictures of every page of the app, from a real browser, with rendered people only.

``python -m benchmarks.screenshots`` starts the app, walks through it at 1280 and 390 pixels and writes
``docs/app/PAGE-WIDTH.jpg``.
"""

import argparse
import io
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from PIL import Image

from benchmarks.data import ROOT
from benchmarks.runner.command import command
from faceforget.cli.browser import flags
from faceforget.lab import held_port

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
WIDTHS = (1280, 390)
_LONG = 180_000
_TALLEST = 1900
_QUALITY = 40


@contextmanager
def served(environment: dict[str, str] | None = None) -> Iterator[str]:
    """The app on a free port; gives its address."""
    with held_port() as port:
        command = [
            sys.executable, "-m", "streamlit", "run", str(ROOT / "app" / "main.py"),
            *flags(ROOT / ".streamlit" / "config.toml", port),
        ]  # fmt: skip
        server = subprocess.Popen(command, env=environment or dict(os.environ), cwd=ROOT, stdout=subprocess.DEVNULL)
        try:
            address = f"http://127.0.0.1:{port}"
            while not _answers(f"{address}/_stcore/health"):
                if server.poll() is not None:
                    raise RuntimeError(f"The app ended with {server.returncode} before it answered.")
                time.sleep(0.2)
            yield address
        finally:
            server.terminate()
            server.wait()


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=60):
            return True
    except OSError:
        return False


def settle(page: Any) -> None:
    """Wait until Streamlit has drawn everything."""
    page.wait_for_timeout(250)
    for busy in ("stStatusWidget", "stProgress", "stSkeleton"):
        page.wait_for_function(f"!document.querySelector('[data-testid={busy}]')", timeout=_LONG)
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for(timeout=_LONG)
    page.wait_for_function("[...document.images].every(image => image.complete)", timeout=_LONG)
    page.wait_for_timeout(150)


def shoot(page: Any, out: Path, name: str, width: int) -> None:
    """The whole page: Streamlit scrolls inside the window, so the window grows."""
    settle(page)
    inner = page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
    page.set_viewport_size({"width": width, "height": min(max(int(inner) + 10, 700), _TALLEST)})
    page.wait_for_timeout(700)
    save(page, out / f"{name}-{width}.jpg")
    page.set_viewport_size({"width": width, "height": 900})


def save(page: Any, path: Path) -> None:
    """What is seen, in as few bytes as it stays readable in: all pictures together are to stay near 2 MB."""
    with Image.open(io.BytesIO(page.screenshot())) as picture:
        picture.convert("RGB").save(path, "JPEG", quality=_QUALITY, optimize=True, progressive=True)


def go(page: Any, name: str) -> None:
    """Open a page by the navigation, which hides in a menu on narrow windows."""
    link = page.get_by_role("link", name=name, exact=True)
    menu = page.get_by_test_id("stExpandSidebarButton")
    if menu.is_visible():
        menu.click()
        page.wait_for_timeout(300)
    link.first.click()
    path = "" if name == "Start" else name.lower()
    page.wait_for_url(lambda url: urlsplit(url).path == f"/{path}", timeout=_LONG)
    settle(page)
    close = page.get_by_test_id("stSidebarCollapseButton").get_by_role("button")
    if page.viewport_size["width"] < 700 and close.first.is_visible():
        close.first.click()
        page.wait_for_timeout(300)


def walk(page: Any, out: Path, width: int, everything: bool) -> None:
    """Through the app, once; ``everything``: every view of the proof too."""
    shoot(page, out, "1-start", width)
    page.get_by_role("button", name="Try it with the embedded people").click()
    page.get_by_role("button", name="Forget somebody").wait_for(timeout=_LONG)
    shoot(page, out, "2-people", width)
    go(page, "Recognise")
    page.get_by_role("button", name="Show me with photos of the embedded people").click()
    page.get_by_text("Candidate", exact=True).first.wait_for(timeout=_LONG)
    shoot(page, out, "3-recognise", width)
    go(page, "Forget")
    shoot(page, out, "4-person", width)
    page.get_by_role("button", name="Caluphan Braagorn").click()
    page.get_by_role("button", name="Erase Caluphan Braagorn …").wait_for(timeout=_LONG)
    page.get_by_text("DELETE", exact=True).click()
    page.get_by_text("DELETE turns a person away from their row").wait_for(timeout=_LONG)
    shoot(page, out, "5-photos", width)
    page.get_by_role("button", name="Erase Caluphan Braagorn …").click()
    page.get_by_role("button", name="Erase now").click()
    page.locator(".again s").first.wait_for(timeout=_LONG)  # the first names have changed
    page.wait_for_timeout(500)
    page.set_viewport_size({"width": width, "height": 800 if width > 500 else 1100})
    page.wait_for_timeout(200)
    save(page, out / f"6-erasing-{width}.jpg")
    page.get_by_role("button", name="Receipt and download").wait_for(timeout=_LONG)
    shoot(page, out, "7-proof", width)
    for tab in ("How it went", "Where it looks", *(("Enrol again", "Map", "Every question") if everything else ())):
        page.get_by_role("radio", name=tab).or_(page.get_by_role("button", name=tab)).first.click()
        shoot(page, out, f"8-{tab.lower().replace(' ', '-')}", width)
    page.get_by_role("button", name="Receipt and download").click()
    page.get_by_text("Download the model").wait_for(timeout=_LONG)
    shoot(page, out, "9-receipt", width)
    requests(page, out, width)


def requests(page: Any, out: Path, width: int) -> None:
    """A list of people: the pages Batch and History."""
    go(page, "Batch")
    shoot(page, out, "10-batch", width)
    page.get_by_role("button", name="Show me with embedded people").click()
    page.get_by_text("4 people can be erased").wait_for(timeout=_LONG)
    shoot(page, out, "11-checked", width)
    page.get_by_role("button", name="Erase 3 people …").click()
    page.get_by_role("button", name="Erase now").click()
    page.get_by_text("Download the receipts").wait_for(timeout=_LONG)
    shoot(page, out, "12-outcomes", width)
    go(page, "History")
    page.get_by_role("button", name="Verify").click()
    page.get_by_text("The ledger is intact").wait_for(timeout=_LONG)
    shoot(page, out, "13-history", width)


@command
def main() -> None:
    """Command line."""
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "app")
    parser.add_argument("--width", type=int, action="append")
    parser.add_argument("--everything", action="store_true", help="every view of the proof too")
    chosen = parser.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    with served() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        for width in chosen.width or WIDTHS:
            page = browser.new_page(viewport={"width": width, "height": 900})
            page.goto(address)
            page.get_by_role("heading", name="Make a model forget a person").wait_for(timeout=_LONG)
            walk(page, chosen.out, width, chosen.everything)
            page.close()
        browser.close()


if __name__ == "__main__":
    main()
