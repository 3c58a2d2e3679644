"""The ledger: what was done about each erasure request, in SQLite, append-only and hash-chained.

It holds no name, face, embedding or hash of them: a random id per request, and an HMAC of the person whose key is
destroyed when the request closes (:mod:`open_requests`).
"""

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from faceforget.errors import FaceForgetError, UsageError
from faceforget.requests.canonical import TamperedError
from faceforget.requests.chain import BEGINNING, Entry, State, check_chain, may_follow, read_entry, sealed

_COLUMNS = "seq, request, state, attempt, at, body, previous, hash"
# "FFLG": tells a ledger from any other database.
_APPLICATION = 0x46464C47
# What a busy disk may need; a writer holds the ledger for milliseconds.
_PATIENCE_S = 30.0

_SCHEMA = f"""
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS entries (
    seq INTEGER PRIMARY KEY, request TEXT NOT NULL, state TEXT NOT NULL, attempt INTEGER NOT NULL, at TEXT NOT NULL,
    body TEXT NOT NULL, previous TEXT NOT NULL, hash TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS each_step_once ON entries (request, attempt, state);
-- One plan per request: it names the model's hash and the configuration, so the three belong together for good.
CREATE UNIQUE INDEX IF NOT EXISTS one_plan ON entries
    (request, json_extract(body, '$.model'), json_extract(body, '$.configuration')) WHERE state = 'planned';
CREATE TRIGGER IF NOT EXISTS no_change BEFORE UPDATE ON entries
    BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER IF NOT EXISTS no_removal BEFORE DELETE ON entries
    BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER IF NOT EXISTS in_order BEFORE INSERT ON entries
    WHEN NEW.seq <> (SELECT COALESCE(MAX(seq), 0) + 1 FROM entries)
      OR NEW.previous <> COALESCE((SELECT hash FROM entries ORDER BY seq DESC LIMIT 1), '{BEGINNING}')
    BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
PRAGMA application_id = {_APPLICATION};
COMMIT;
"""  # noqa: S608 - two constants
_TRIGGERS = {"no_change", "no_removal", "in_order"}


class LedgerError(FaceForgetError):
    """A ledger that cannot be opened, or a step that cannot follow the last one."""


class Ledger:
    """An open ledger; use it in a ``with`` statement.

    Args:
        path: The database.
        create: Make it if it is not there.

    Raises:
        UsageError: There is no such file.
        LedgerError: It is something else.
    """

    def __init__(self, path: Path, *, create: bool = False) -> None:
        if not path.is_file() and not create:
            raise UsageError(f"There is no ledger {path}.", "A batch makes one.", code="no-ledger")
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._open: sqlite3.Connection = sqlite3.connect(path, timeout=_PATIENCE_S, isolation_level=None)
        try:
            self._prepare(create)
        except sqlite3.DatabaseError as error:
            self._open.close()
            raise LedgerError(f"{path} is not a ledger: {error}.", "Give the file that a batch made.") from error

    def _prepare(self, create: bool) -> None:
        (application,) = self._open.execute("PRAGMA application_id").fetchone()
        (tables,) = self._open.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
        if application != _APPLICATION and (tables or not create):
            raise sqlite3.DatabaseError("it belongs to another program")
        self._open.execute("PRAGMA synchronous = FULL")
        if application != _APPLICATION:
            self._open.execute("PRAGMA journal_mode = WAL")  # stays with the file
            self._open.executescript(_SCHEMA)

    def __enter__(self) -> "Ledger":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def share(self) -> None:
        """Let several machines write into it, over a network disk whose locks work across machines, as NFS 4.

        A write-ahead log needs memory that all writers share (https://www.sqlite.org/wal.html), so from now on the file
        has a rollback journal instead: as safe, and slower.
        """
        self._open.execute("PRAGMA journal_mode = DELETE")

    def close(self) -> None:
        """Move everything from the write-ahead log into the file."""
        self._open.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._open.close()

    def append(self, steps: Mapping[str, Mapping[str, Any]], state: State, attempt: int) -> None:
        """Record that requests have come to a state: all of them, or in a crash none.

        A step that is recorded already is left as it is, so that work that starts again repeats nothing.

        Args:
            steps: What there is to say, by request.
            state: The state.
            attempt: Which run of the erasure.

        Raises:
            LedgerError: A request cannot come to this state from where it is.
        """
        with self._writing():
            for request, body in steps.items():
                own = self.of(request)
                if not any((entry.state, entry.attempt) == (state, attempt) for entry in own):
                    self._append(request, own[-1].state if own else None, state, attempt, body)

    def _append(self, request: str, last: State | None, state: State, attempt: int, body: Mapping[str, Any]) -> None:
        if not may_follow(last, state):
            raise LedgerError(
                f"The request {request} is {last or 'not planned'}: it cannot become {state}.", request=request
            )
        row = self._open.execute("SELECT seq, hash FROM entries ORDER BY seq DESC LIMIT 1").fetchone()
        seq, previous = row or (0, BEGINNING)
        at = datetime.now(UTC).isoformat(timespec="seconds")
        entry = sealed(seq + 1, request, state, attempt, at, body, previous)
        stored = json.dumps(entry.body, sort_keys=True, allow_nan=False)
        values = (entry.seq, request, state, attempt, at, stored, previous, entry.hash)
        self._open.execute(f"INSERT INTO entries ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)  # noqa: S608

    @contextmanager
    def _writing(self) -> Iterator[None]:
        self._open.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._open.execute("ROLLBACK")
            raise
        self._open.execute("COMMIT")

    def entries(self) -> tuple[Entry, ...]:
        """All entries, in order."""
        return self._select("")

    def of(self, request: str) -> tuple[Entry, ...]:
        """The entries of one request, in order; none if it is not in the ledger."""
        return self._select("WHERE request = ?", (request,))

    def planned_since(self, at: str) -> int:
        """How many requests were planned at a time (ISO 8601, UTC) or later."""
        query = "SELECT COUNT(*) FROM entries WHERE state = 'planned' AND at >= ?"
        (count,) = self._open.execute(query, (at,)).fetchone()
        return int(count)

    def latest(self) -> tuple[Entry, ...]:
        """The last entry of each request, in the order of the requests' first."""
        last: dict[str, Entry] = {}
        for entry in self.entries():
            last[entry.request] = entry
        return tuple(last.values())

    def _select(self, where: str, values: Sequence[str] = ()) -> tuple[Entry, ...]:
        query = f"SELECT {_COLUMNS} FROM entries {where} ORDER BY seq"  # noqa: S608
        try:
            rows = self._open.execute(query, values).fetchall()
            names = _COLUMNS.split(", ")
            return tuple(
                read_entry({**dict(zip(names, row, strict=True)), "body": json.loads(row[names.index("body")])})
                for row in rows
            )
        except (sqlite3.DatabaseError, ValueError) as error:
            raise TamperedError(f"{self.path} is damaged: {error}.", "Use an intact copy.") from error

    def verify(self) -> int:
        """Check the database, the triggers that keep it append-only, and the chain.

        Returns:
            The number of entries.

        Raises:
            TamperedError: Something is not as it was written.
        """
        try:
            found = [row[0] for row in self._open.execute("PRAGMA integrity_check").fetchall()]
            rows = self._open.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
        except sqlite3.DatabaseError as error:
            found, rows = [str(error)], []
        missing = _TRIGGERS - {row[0] for row in rows}
        if found != ["ok"] or missing:
            problem = found[0] if found != ["ok"] else f"the trigger {min(missing)} is gone"
            raise TamperedError(f"{self.path} is damaged: {problem}.", "Use an intact copy.")
        entries = self.entries()
        check_chain(entries)
        return len(entries)
