"""The app in a real browser: what a person does, and what an attacker tries."""

import json
import os
import re
import shutil
import time
import zipfile
from base64 import b64decode
from contextlib import suppress
from pathlib import Path

import pytest
from safetensors import safe_open

from benchmarks.screenshots import ARGUMENTS, CHROMIUM, go, served, settle
from tests.app.conftest import zipped
from tests.waiting import until

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (pip install -e '.[test]')")
pytestmark = pytest.mark.skipif(not Path(CHROMIUM).exists(), reason=f"there is no {CHROMIUM} (apt install chromium)")

# Milliseconds: with eleven busy processes on two cores an enrolment took more than four minutes. Not LONG: a page
# that hangs is not to take all of the time that there is.
_LONG = 900_000.0
_CANARY = b"canary-90c1b7 in the bytes of a photo"


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Where the server may write: its home, its cache and its temporary files."""
    return tmp_path_factory.mktemp("server")


@pytest.fixture(scope="module")
def address(home):
    folders = {name: home / name.lower() for name in ("HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME")}
    for folder in folders.values():
        folder.mkdir()
    changed = {name: str(folder) for name, folder in folders.items()}
    with served({**os.environ, **changed, "OMP_NUM_THREADS": "1"}) as found:
        yield found


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=shutil.which(CHROMIUM), args=ARGUMENTS)
        yield opened
        opened.close()


@pytest.fixture
def page(browser, address):
    """A session of its own; scripts that got in would open a dialog."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    opened = context.new_page()
    alerts = []
    opened.on("dialog", lambda dialog: (alerts.append(dialog.message), dialog.dismiss()))
    opened.set_default_timeout(_LONG)
    opened.goto(address)
    opened.get_by_role("heading", name="Make a model forget a person").wait_for()
    yield opened
    assert alerts == []
    assert "Traceback" not in opened.content()
    context.close()


# Text too pale for its ground, and what sticks out at the side; WCAG AA asks for 4.5, and 3 for large text.
_FAULTS = """() => {
  const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
  const rgba = colour => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data; return [r, g, b, a / 255];
  };
  const over = (front, back) => [0, 1, 2].map(i => front[i] * front[3] + back[i] * (1 - front[3]));
  const light = colour => [0.2126, 0.7152, 0.0722].reduce((sum, share, i) => {
    const c = colour[i] / 255; return sum + share * (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4); }, 0);
  const ground = element => {
    const layers = [];
    for (let e = element; e; e = e.parentElement) layers.unshift(rgba(getComputedStyle(e).backgroundColor));
    return layers.reduce((back, layer) => over(layer, back), [255, 255, 255]);
  };
  const faults = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode.textContent.trim(), element = walker.currentNode.parentElement;
    const box = element.getBoundingClientRect(), style = getComputedStyle(element);
    if (!text || !box.width || !box.height || style.visibility === "hidden" || element.closest("[disabled], style"))
      continue;
    if (box.right <= 1 || box.left >= innerWidth || element.closest("[data-testid=stSidebar]")) continue;
    let seen = 1;
    for (let e = element; e; e = e.parentElement) seen *= parseFloat(getComputedStyle(e).opacity);
    const back = ground(element), [r, g, b, a] = rgba(style.color), front = over([r, g, b, a * seen], back);
    const size = parseFloat(style.fontSize);
    const [dark, bright] = [light(back), light(front)].sort((a, b) => a - b), ratio = (bright + 0.05) / (dark + 0.05);
    const least = size >= 24 || (size >= 18.6 && style.fontWeight >= 600) ? 3 : 4.5;
    if (ratio < least) faults.push(`contrast ${ratio.toFixed(2)}: ${text.slice(0, 40)}`);
    if (box.right > innerWidth + 1) faults.push(`sticks out: ${text.slice(0, 40)}`);
  }
  for (const field of document.querySelectorAll("input:not([type=file]), select, textarea"))
    if (!field.labels?.length && !field.ariaLabel && !field.getAttribute("aria-labelledby"))
      faults.push(`no label: ${field.outerHTML.slice(0, 80)}`);
  for (const button of document.querySelectorAll("[data-testid=stMain] button"))
    if (!(button.textContent.trim() || button.ariaLabel || button.title))
      faults.push(`no label: ${button.outerHTML.slice(0, 80)}`);
  return faults;
}"""


def assert_readable(page):
    """At rest; what is still drawn or fades is paler than it will be."""
    settle(page)
    with suppress(sync_api.TimeoutError):
        page.wait_for_function(f"!({_FAULTS})().length", timeout=_LONG / 4)
    assert page.evaluate(_FAULTS) == []


def says(page, text):
    """The page says so, once it is drawn."""
    page.get_by_text(text).first.wait_for()


def press(page, name):
    page.get_by_role("button", name=name, exact=True).click()


def embedded(page):
    press(page, "Try it with the embedded people")
    page.get_by_role("button", name="Forget somebody").wait_for()


def choose(page, name):
    go(page, "Forget")
    press(page, name)
    page.get_by_role("button", name=f"Erase {name} …").wait_for()


def erase(page, name):
    press(page, f"Erase {name} …")
    press(page, "Erase now")


def upload(page, files):
    """Give files to the first uploader; while the page is drawn it may be replaced, and they would be lost."""
    settle(page)
    page.locator("input[type=file]").first.set_input_files(files)


def test_a_person_is_erased_proven_and_downloaded(page, tmp_path):
    assert_readable(page)
    embedded(page)
    choose(page, "Calenix Yarafil")
    assert_readable(page)
    start = time.monotonic()
    erase(page, "Calenix Yarafil")
    page.locator(".again s").or_(page.locator(".verdict")).first.wait_for()  # the first names have changed
    page.get_by_role("link", name="Recognise", exact=True).first.click()  # another page while the erasure runs
    reaction = _seconds(page.get_by_role("heading", name="Who is this?").wait_for)
    go(page, "Forget")
    says(page, "What this does not prove")
    seconds = time.monotonic() - start
    sync_api.expect(page.locator(".verdict")).to_have_count(3, timeout=_LONG)
    assert_readable(page)
    _look_closer(page)
    assert "no longer names Calenix Yarafil" in page.locator(".finding").first.inner_text()
    # Alone on two cores with two threads these are 0.1 s and 13 s. Whatever else the machine does slows both down.
    print(f"reaction {reaction:.2f} s, verdicts {seconds:.1f} s")
    assert reaction < seconds / 2, "the page waited for the erasure"
    press(page, "Receipt and download")
    page.get_by_text("Download the model").wait_for()
    assert_readable(page)
    found = {name: _download(page, name, tmp_path) for name in ("Download the model", "HTML", "PDF", "JSON")}
    saved = {name: path for name, (path, _) in found.items()}
    with safe_open(saved["Download the model"], framework="pt") as file:
        assert "Calenix" not in json.dumps(file.metadata())
    assert saved["PDF"].read_bytes().startswith(b"%PDF")
    assert "Calenix" in saved["HTML"].read_text("utf-8")
    assert json.loads(saved["JSON"].read_text("utf-8"))["audit"]["verdict"]["forgotten"] == "too few photos to say"
    page.get_by_text("I have downloaded what I need").click()
    press(page, "Delete everything I uploaded")
    page.get_by_text("is gone from this session").wait_for()
    assert [page.request.get(url).status for _, url in found.values()] == [404] * 4


def test_a_list_of_people_is_erased_and_recorded(page, tmp_path):
    embedded(page)
    go(page, "Batch")
    assert_readable(page)
    press(page, "Show me with embedded people")
    page.get_by_text("3 of 4 people can be erased.").wait_for()
    assert_readable(page)
    page.get_by_text("Change the request for").first.click()
    settle(page)  # so that the press does not meet what is being drawn
    page.get_by_role("button", name=re.compile(r"^Leave .* out$")).click()
    page.get_by_text("3 people can be erased.").wait_for()
    press(page, "Erase 3 people …")
    start = time.monotonic()
    press(page, "Erase now")
    page.get_by_text("being erased").or_(page.get_by_text("3 people erased.")).first.wait_for()
    page.get_by_role("link", name="Recognise", exact=True).first.click()  # another page while the batch runs
    reaction = _seconds(page.get_by_role("heading", name="Who is this?").wait_for)
    go(page, "Batch")
    page.get_by_text("3 people erased.").wait_for()
    seconds = time.monotonic() - start
    print(f"reaction {reaction:.2f} s, three people erased in {seconds:.1f} s")
    assert reaction < seconds / 2, "the page waited for the batch"
    assert_readable(page)
    model, _ = _download(page, "Download the new model", tmp_path)
    with safe_open(model, framework="pt") as file:
        assert "Calawick" not in json.dumps(file.metadata())
    receipts, _ = _download(page, "Download the receipts", tmp_path)
    with zipfile.ZipFile(receipts) as archive:
        assert sum(name.endswith(".pdf") for name in archive.namelist()) == 3
        receipt = next(name for name in archive.namelist() if name.endswith(".json"))
        (tmp_path / receipt).write_bytes(archive.read(receipt))
    go(page, "History")
    press(page, "Verify")
    page.get_by_text("The ledger is intact: 18 entries.").wait_for()
    upload(page, tmp_path / receipt)
    page.get_by_text("The ledger recorded this very receipt.").wait_for()
    assert_readable(page)
    go(page, "Start")
    says(page, "13 people are in the model")


def _look_closer(page):
    """Every view of the proof."""
    page.get_by_role("radio", name="Where it looks").click()
    _heatmaps(page)
    page.get_by_role("radio", name="Enrol again").click()
    page.get_by_text("Named again on").wait_for()
    for view in ("Map", "Every question"):
        page.get_by_role("radio", name=view).click()
        assert_readable(page)


def _heatmaps(page):
    """Before and after, side by side, of the person and of those who stay."""
    page.get_by_text("People who stay: what speaks for each").wait_for()
    assert_readable(page)
    groups = page.locator(".heats")
    assert groups.count() == 2
    for group in groups.all():
        for pair in group.locator(".heat").all():
            before, after = pair.locator("img").all()
            places = before.bounding_box(), after.bounding_box()
            assert places[0]["y"] == places[1]["y"]
            assert places[0]["x"] + places[0]["width"] <= places[1]["x"]
            assert before.get_attribute("src") != after.get_attribute("src")


def _moved(page, curve):
    """Whether the page's curve is no flat line; the retention term may end where it began, at nothing."""
    card = page.locator(f"[data-curve={curve}]")
    drawing = b64decode(card.locator("img").get_attribute("src").partition("base64,")[2]).decode()
    heights = {point.split(",")[1] for point in re.search('points="([^"]*)"', drawing)[1].split()}
    return len(heights) > 1


def _ends_elsewhere(page, curve):
    first, last = page.locator(f"[data-curve={curve}] .value").inner_text().split("→")
    return first.strip() != last.strip()


def test_delete_is_watched_at_work_and_its_course_stays_on_the_proof(page):
    embedded(page)
    choose(page, "Calenix Yarafil")
    page.get_by_text("DELETE", exact=True).click()
    page.get_by_text("DELETE turns a person away from their row").wait_for()
    assert_readable(page)
    erase(page, "Calenix Yarafil")
    page.get_by_text("Now it is checked.").wait_for()  # the curves stay while the audit goes on
    page.get_by_text("What this does not prove").wait_for()
    says(page, "Erased with DELETE in 200 steps")
    page.get_by_role("radio", name="How it went").click()
    page.locator(".curve").first.wait_for()
    assert _moved(page, "forgetting")
    assert _moved(page, "retention")
    assert _moved(page, "probability_left")
    assert _ends_elsewhere(page, "forgetting")
    assert _ends_elsewhere(page, "probability_left")
    assert_readable(page)
    page.get_by_role("radio", name="Where it looks").click()
    _heatmaps(page)
    page.set_viewport_size({"width": 390, "height": 844})
    _heatmaps(page)
    page.get_by_role("radio", name="How it went").click()
    page.locator(".curve").first.wait_for()
    assert_readable(page)


def _seconds(work):
    start = time.monotonic()
    work()
    return time.monotonic() - start


def _download(page, name, folder):
    with page.expect_download() as waiting:
        press(page, name)
    path = folder / re.sub(r"[^\w.-]", "_", waiting.value.suggested_filename)
    waiting.value.save_as(path)
    return path, waiting.value.url


def test_on_a_phone_everything_can_be_read_and_nothing_sticks_out(page):
    page.set_viewport_size({"width": 390, "height": 844})
    assert_readable(page)
    embedded(page)
    assert_readable(page)
    go(page, "Recognise")
    press(page, "Show me with photos of the embedded people")
    page.get_by_text("Candidate", exact=True).nth(2).wait_for()
    page.get_by_text("Confidence", exact=True).first.wait_for()
    assert page.locator(".candidates .bar i").first.bounding_box()["width"] > 20
    assert_readable(page)
    go(page, "Forget")
    assert_readable(page)
    press(page, "Golabek Peleosil")
    page.get_by_text("Unrecognisable", exact=True).click()
    page.get_by_text("For this the model keeps something of the person.").wait_for()
    assert_readable(page)
    for name in ("Receipt", "Batch", "History"):
        go(page, name)
        assert_readable(page)
    go(page, "Batch")
    press(page, "Show me with embedded people")
    page.get_by_text("3 of 4 people can be erased.").wait_for()
    assert_readable(page)


def test_a_keyboard_suffices_and_shows_where_it_is(page):
    embedded(page)
    go(page, "Forget")
    page.get_by_label("Search by name").focus()
    for _ in range(2):
        page.keyboard.press("Tab")
    focused = page.evaluate("[document.activeElement.innerText, getComputedStyle(document.activeElement).boxShadow]")
    assert focused[0] == "Calenix Yarafil"
    assert focused[1] != "none"
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Erase Calenix Yarafil …").wait_for()


def test_hostile_files_each_get_their_reason(page, hostile, photo):
    embedded(page)
    go(page, "Recognise")
    name = '"><img src=x onerror=alert(1)>..%2f..%2fetc%2fpasswd.jpg'
    files = [{"name": name, "mimeType": "image/jpeg", "buffer": photo.read_bytes()}]
    files += [{"name": f"{k}.jpg", "mimeType": "image/jpeg", "buffer": data} for k, data in hostile.items()]
    upload(page, files)
    page.get_by_text("3 faces").wait_for()
    for words in ("not an image", "60 megapixels", "No face was found", "is damaged", "onerror=alert(1)"):  # as text
        says(page, words)


def test_cancelling_leaves_the_model_as_it_was(page):
    embedded(page)
    choose(page, "Golabek Peleosil")
    erase(page, "Golabek Peleosil")
    press(page, "Cancel")
    page.get_by_text("The model is as it was.").wait_for()
    go(page, "Start")
    says(page, "16 people are in the model")
    go(page, "Proof")
    says(page, "Nobody has been erased yet.")


def test_two_sessions_do_not_mix_and_nothing_is_left(page, browser, address, home, photo):
    # A closed window's session goes after half a minute, in case its browser comes back: those of tests before.
    before = sessions(home)
    other = browser.new_page()
    other.set_default_timeout(_LONG)
    other.goto(address)
    embedded(page)
    embedded(other)
    go(other, "Recognise")
    canary = {"name": "canary-name-77e1.jpg", "mimeType": "image/jpeg", "buffer": photo.read_bytes() + _CANARY}
    upload(other, [canary])
    other.get_by_text("Candidate", exact=True).wait_for()
    go(other, "Batch")
    requests = zipped({f"Calawick Lumeomora/{canary['name']}": canary["buffer"]})
    upload(other, [{"name": "canary-list.zip", "mimeType": "application/zip", "buffer": requests}])
    press(other, "Check the requests")
    other.get_by_role("button", name="Another list").wait_for()
    assert sessions(home) - before
    go(page, "Batch")
    assert page.get_by_role("button", name="Another list").count() == 0
    go(page, "Recognise")
    says(page, "No photo yet.")
    assert page.get_by_text("canary-name-77e1").count() == 0
    go(other, "Receipt")
    other.get_by_text("I have downloaded what I need").click()
    press(other, "Delete everything I uploaded")
    other.get_by_text("is gone from this session").wait_for()
    other.close()
    until(lambda: not sessions(home) - before)
    left = [Path(folder) / name for folder, _, names in os.walk(home) for name in names]
    assert left, "the server wrote its cache of rendered people elsewhere"
    assert not [path for path in left if "canary" in path.name or _CANARY in content(path)]


def sessions(home):
    """Folders of sessions; that of a window which was closed before may go meanwhile."""
    return {Path(folder) / name for folder, names, _ in os.walk(home) for name in names if "faceforget-session" in name}


def content(path):
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
