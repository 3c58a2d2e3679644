"""Show that the wheel is enough: build it, install it elsewhere, cut the network and run it in an empty folder.

    python .ci/wheel.py              --version, doctor and the demo: what CI does, in a minute
    python .ci/wheel.py --all        every command, the app, and a user's script under mypy: some minutes
    python .ci/wheel.py --all --new  the same with all dependencies installed anew: gigabytes

Without ``--new`` the new environment borrows the dependencies of the one that runs this, but not its FaceForget.
"""

import argparse
import fcntl
import json
import os
import resource
import shutil
import signal
import socket
import struct
import subprocess
import sys
import sysconfig
import tempfile
import time
import urllib.request
import venv
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_SET_INTERFACE_FLAGS, _UP = 0x8914, 0x1
_PATIENCE = 120.0

USERS_SCRIPT = """
from faceforget import api as ff

team = ff.load("team.safetensors")
reveal_type(team.labels)
ff.erase(team, {"Ada": ["ada.jpg"]}, no_such_option=1)
"""
# What a person sees who opens the app and presses the first button.
APP_SCRIPT = """
import os
from streamlit.testing.v1 import AppTest
from faceforget.resources import APP_SCRIPT

app = AppTest.from_file(str(APP_SCRIPT), default_timeout=600).run()
next(button for button in app.button if "embedded people" in button.label).click().run()
assert not app.exception, app.exception
assert not app.error, app.error
os._exit(0)  # a thread of the session is still about, which the end of an interpreter does not wait for
"""


def main() -> None:
    """Build, install, and start this file again where there is no network."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--all", action="store_true", help="every command, not the demo alone")
    parser.add_argument("--new", action="store_true", help="install the dependencies, too")
    parser.add_argument("--wheel", type=Path, help="one that is built already")
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.inside:
        _run_all(Commands(arguments.inside), every=arguments.all)
        return
    with tempfile.TemporaryDirectory(prefix="faceforget-wheel-") as folder:
        place = Path(folder).resolve()
        wheel = arguments.wheel or _build(place / "dist")
        print(f"{wheel.name}: {wheel.stat().st_size / 1e6:.1f} MB", flush=True)
        _install(wheel, place / "venv", new=arguments.new)
        (place / "empty").mkdir()
        again = [sys.executable, __file__, "--inside", str(place), *(["--all"] if arguments.all else [])]
        cut = _network_cutter()
        code = subprocess.run([*cut, *again], check=False).returncode
    if not cut:
        print("The network was NOT cut: `unshare` may not be used here.")
    sys.exit(code)


def _build(folder: Path) -> Path:
    """The wheel, made from the source distribution that is made from this tree."""
    installer = "uv" if find_spec("uv") else "pip"
    command = [sys.executable, "-m", "build", "--installer", installer, "--outdir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    (wheel,) = folder.glob("*.whl")
    return wheel


def _install(wheel: Path, folder: Path, *, new: bool) -> None:
    venv.create(folder, symlinks=True)
    python = str(folder / "bin" / "python")
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", str(wheel.resolve())]
    subprocess.run([*pip, "mypy" if new else "--no-deps"], check=True)
    if not new:
        # A line that is a folder: what .pth files in that folder say, as an editable installation's, is not read.
        own = subprocess.run(
            [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
            check=True, capture_output=True, text=True,
        ).stdout.strip()  # fmt: skip
        Path(own, "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")


def _network_cutter() -> list[str]:
    """The command that runs another one without a network; nothing where this may not be done."""
    for cut in (["unshare", "--map-root-user", "--net"], ["unshare", "--net"]):
        if shutil.which(cut[0]) and subprocess.run([*cut, "true"], check=False, capture_output=True).returncode == 0:
            return cut
    return []


class Commands:
    """Runs commands of the new environment in the empty folder, as a user with an empty home."""

    def __init__(self, place: Path) -> None:
        self.bin, self.folder = place / "venv" / "bin", place / "empty"
        self.home = place / "home"
        self.home.mkdir()
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "XDG_", "VIRTUAL"))}
        path = f"{self.bin}{os.pathsep}{os.environ['PATH']}"
        self.environment = {**kept, "PATH": path, "HOME": str(self.home), "COLUMNS": "100"}

    def __call__(self, *command: object, code: int = 0) -> str:
        """Run one and print how long it took; its output.

        Raises:
            SystemExit: It ended with another code.
        """
        words = [str(self.bin / str(command[0])), *map(str, command[1:])]
        start = _clocks()
        done = subprocess.run(words, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False)
        _tell(start, done.returncode, " ".join(map(str, command)))
        if done.returncode != code:
            sys.exit(f"expected exit code {code}, got {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done.stdout


def _clocks() -> tuple[float, float]:
    """Seconds on the clock, and of processor by all commands that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.monotonic(), used.ru_utime + used.ru_stime


def _tell(start: tuple[float, float], code: int, command: str) -> None:
    clock, processor = (now - then for now, then in zip(_clocks(), start, strict=True))
    print(
        f"{clock:6.1f} s ({processor:5.1f} s of processor)  exit {code}  {' '.join(command.split())[:80]}", flush=True
    )


def _run_all(run: Commands, *, every: bool) -> None:
    said = run("faceforget", "--version")
    _check(f"from {run.bin.parent}" in said and "(wheel)" in said, f"it runs from elsewhere: {said}")
    found = run(
        "python", "-c", "from importlib.util import find_spec; print(find_spec('app'), find_spec('pretrained'))"
    )
    _check(found.split() == ["None", "None"], f"the wheel, or the checkout, adds to the names of modules: {found}")
    run("faceforget", "doctor")
    run("faceforget", "demo")
    if every:
        _loopback_up()
        _erase_people(run)
        _erase_a_list(run)
        _look_around(run)
        _open_the_app(run)
        _check_types(run)
    kept = [path for path in run.home.rglob("anchors") if path.is_dir()]
    _check(not kept, f"anchors were rendered, though they are shipped: {kept}")


def _erase_people(run: Commands) -> None:
    run("faceforget", "render", "--people", 10, "--photos", 8, "--seed", 500, "--out", "all")
    names = sorted(path.name for path in (run.folder / "all").iterdir())
    for place, name in enumerate(names):
        # Six are enrolled with half of their photos, four are strangers.
        for number, photo in enumerate(sorted((run.folder / "all" / name).iterdir())):
            part = "strangers" if place >= 6 else "people" if number < 5 else "unseen"
            target = run.folder / part / name / photo.name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(photo, target)
    person = names[0]
    run("faceforget", "enroll", "people", "--out", "team.safetensors")
    run("faceforget", "recognize", "team.safetensors", f"unseen/{person}")
    for promise in ("forgotten", "unrecognisable"):
        run(
            "faceforget", "erase", "team.safetensors", "--person", person, "--photos", f"people/{person}",
            "--promise", promise, "--out", f"{promise}.safetensors",
        )  # fmt: skip
        run(
            "faceforget", "audit", "team.safetensors", f"{promise}.safetensors", "--person", person,
            "--photos", f"unseen/{person}", "--forget-photos", f"people/{person}", "--retained", "unseen",
            "--strangers", "strangers", "--html", f"{promise}.html", "--pdf", f"{promise}.pdf",
        )  # fmt: skip


def _erase_a_list(run: Commands) -> None:
    person = sorted(path.name for path in (run.folder / "people").iterdir())[1]
    (run.folder / "requests.csv").write_text(f"person,photos,check\n{person},people/{person},unseen/{person}\n")
    run("faceforget", "keys", "new", "operator.key")
    batch = ["faceforget", "batch", "requests.csv", "--model", "team.safetensors", "--ledger", "ledger.db"]
    batch += ["--out", "erased", "--key", "operator.key", "--retained", "unseen", "--strangers", "strangers"]
    run(*batch, "--dry-run")
    run(*batch, "--json", "batch.json")
    (request,) = json.loads((run.folder / "batch.json").read_text())["requests"]
    receipt = f"erased/receipts/{request['request']}.json"
    run("faceforget", "receipt", "verify", receipt, "--key", "operator.key.pub")
    run("faceforget", "receipt", "print", receipt, "--key", "operator.key.pub", "--out", "receipt.pdf")
    run("faceforget", "ledger", "verify", "ledger.db")


def _look_around(run: Commands) -> None:
    run("faceforget", "methods")
    run("faceforget", "people", "folder", "people")
    run("faceforget", "serve", "--help")
    run("faceforget", "cache", "clear")


def _open_the_app(run: Commands) -> None:
    """In a folder that has an ``app`` of its own."""
    (run.folder / "app").mkdir()
    (run.folder / "app" / "__init__.py").write_text("raise RuntimeError('this is not the app')\n")
    run("python", "-c", APP_SCRIPT)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    start = _clocks()
    server = subprocess.Popen(
        [str(run.bin / "faceforget"), "app", "--port", str(port)],
        cwd=run.folder, env=run.environment, stdout=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        page = _answer(f"http://127.0.0.1:{port}/", server)
    finally:
        os.killpg(server.pid, signal.SIGINT)  # as Ctrl+C does
        code = server.wait(_PATIENCE)
    _tell(start, code, f"faceforget app ({len(page)} bytes over HTTP, then Ctrl+C)")
    _check(code == 0 and b"<html" in page, "the app did not answer and end as it should")


def _answer(url: str, server: subprocess.Popen[bytes]) -> bytes:
    deadline = time.monotonic() + _PATIENCE
    while server.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                content: bytes = answer.read()
                return content
        except OSError:
            time.sleep(0.2)
    sys.exit(f"nothing answered at {url}")


def _check_types(run: Commands) -> None:
    (run.folder / "script.py").write_text(USERS_SCRIPT)
    said = run("python", "-m", "mypy", "--strict", "script.py", code=1)
    _check('"tuple[str, ...]"' in said, f"the types of an installed FaceForget are not seen:\n{said}")
    _check("no_such_option" in said and "found 1 error" in said.lower(), f"mypy saw something else:\n{said}")


def _loopback_up() -> None:
    """A new network namespace has its loopback interface down."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SET_INTERFACE_FLAGS, struct.pack("16sh22x", b"lo", _UP))


def _check(holds: bool, otherwise: str) -> None:
    if not holds:
        sys.exit(otherwise)


if __name__ == "__main__":
    main()
