"""Verification while others write: it reports no damage that is not there."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from aivcs.domain.batch import Reference, Role
from aivcs.domain.digest import Digest
from aivcs.domain.run import RunMetadata
from aivcs.repo import init, open_repo
from aivcs.services import check_content
from aivcs.testing.objects import noise
from aivcs.testing.subject import add_spec, by, note

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import BinaryIO

    from aivcs.repo import Repo

_LARGE = noise(150_000)
_WRITER = """
import select, sys
from aivcs.domain.run import RunMetadata, RunStatus
from aivcs.repo import open_repo
from aivcs.services.importing import Wanted
from aivcs.testing.objects import noise
from aivcs.testing.subject import add_spec, by, end, note

with open_repo(sys.argv[1]) as repo:
    count = 0
    while not select.select([sys.stdin], [], [], 0)[0]:
        count += 1
        spec = add_spec(repo, f"Prompt {count}.")
        run_id = repo.runs.create_run(spec, RunMetadata("agent"))
        long = f"{count} " * 3000
        repo.runs.append_events(run_id, [note(3, long), note(1), note(2, long)])
        end(repo, run_id, RunStatus.COMPLETED, repo.objects.put(b"state %d" % count))
        repo.importer.record(
            b'{"kind": "note", "payload": %d}' % count,
            Wanted(agent="x"),
            default_spec=lambda _: repo.specs.get(spec),
        )
        repo.releases.promote("agent", spec, by())
        for data in (b"small %d" % count, noise(140_000, count)):
            repo.objects.delete(repo.objects.put(data, pin=True))
        if count == 3:
            print("writing", flush=True)
    print(count)
"""


@pytest.fixture
def repo(tmp_path: Path) -> Iterator[Repo]:
    with init(tmp_path) as repo:
        yield repo


def test_beside_a_process_that_writes(repo: Repo, tmp_path: Path) -> None:
    command = [sys.executable, "-c", _WRITER, str(tmp_path)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "writing\n"
        reports = [repo.verify() for _ in range(15)]
        done, _ = writer.communicate("stop\n")
    assert writer.returncode == 0
    errors = [one for report in reports for one in report.problems if one.kind != "blob"]
    assert errors == []
    assert all(report.ok for report in reports)
    final = repo.verify()
    assert final.problems == ()
    assert final.checked["runs"] == 2 * int(done) > 2 * 3


def once(action: Callable[[], object]) -> Callable[[], None]:
    """Return a function that does something the first time it is called."""
    left = [action]

    def call() -> None:
        while left:
            left.pop()()

    return call


@pytest.mark.parametrize("data", [b"small", _LARGE])
def test_an_object_that_is_deleted_under_the_readers_hands(repo: Repo, data: bytes) -> None:
    digest = repo.objects.put(data)
    assert repo.verify(advance=once(lambda: repo.objects.delete(digest))).problems == ()


def test_a_file_that_is_deleted_before_it_is_opened(
    repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = repo.objects.put(_LARGE)
    real = repo._blobs.open

    def late(name: str) -> BinaryIO:
        repo.objects.delete(digest)
        return real(name)

    monkeypatch.setattr(repo._blobs, "open", late)
    assert repo.verify().problems == ()
    assert not repo.objects.contains(digest)


def test_a_file_that_comes_after_its_place_was_passed(repo: Repo) -> None:
    after = repo.objects.put(b"a")
    files = [noise(150_000, n) for n in range(9)]
    assert any(Digest.of(data) < after for data in files)
    report = repo.verify(advance=once(lambda: repo.objects.put_many(files)))
    assert report.problems == ()


def meanwhile(
    monkeypatch: pytest.MonkeyPatch, repo: Repo, method: str, action: Callable[[], object]
) -> None:
    """Do something right after the ledger first answered."""
    real = getattr(repo._ledger, method)
    act = once(action)

    def answer(*args: Any, **options: Any) -> Any:
        found = real(*args, **options)
        act()
        return found

    monkeypatch.setattr(repo._ledger, method, answer)


def test_a_pin_that_goes_with_its_object(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    digest = repo.objects.put(b"pinned", pin=True)
    meanwhile(monkeypatch, repo, "dangling", lambda: repo.objects.delete(digest))
    assert repo.verify().problems == ()


def test_a_pin_that_comes_again_with_its_object(
    repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = Digest.of(b"pinned")
    missing = [{}, {digest: 6}]
    for method in ("dangling", "references"):
        monkeypatch.setattr(repo._ledger, method, lambda *_: [Reference(digest, Role.PIN)])
    monkeypatch.setattr(repo._ledger, "sizes", lambda _: missing.pop(0))
    assert repo.verify(objects=False, releases=False).problems == ()
    assert missing == []


def test_specs_that_come_while_logs_are_read(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    def write() -> None:
        spec = add_spec(repo, "New.")
        repo.runs.append_event(repo.runs.create_run(spec, RunMetadata("agent")), note())
        repo.releases.promote("agent", spec, by())

    write()
    for method in ("specs", "run_ids", "streams"):
        meanwhile(monkeypatch, repo, method, write)
        assert repo.verify().problems == ()


def test_damage_beside_a_writer_is_still_found(repo: Repo, tmp_path: Path) -> None:
    digest = repo.objects.put(_LARGE)
    with open_repo(tmp_path) as other:
        (path,) = (tmp_path / ".aivcs" / "objects").rglob("*.zst")
        path.unlink()
        report = repo.verify(advance=once(lambda: other.objects.put(b"unrelated")))
    (problem,) = report.problems
    assert problem.id == str(digest)


_STORER = """
import select, sys
from aivcs.repo import open_repo
from aivcs.testing.objects import noise

with open_repo(sys.argv[1]) as repo:
    count = 0
    while not select.select([sys.stdin], [], [], 0)[0]:
        count += 1
        many = [b"%d %d " % (count, n) * 50 for n in range(40)]
        kept = repo.objects.put_many(many, pin=True)
        repo.objects.put(noise(140_000, count), pin=True)
        repo.objects.unpin(kept[::2])
        if count == 2:
            print("working", flush=True)
print(count)
"""
_KEEPER = """
import select, sys
from aivcs.repo import open_repo

with open_repo(sys.argv[1]) as repo:
    count = 0
    while not select.select([sys.stdin], [], [], 0)[0]:
        count += 1
        repo.seal()
        repo.gc(full=count % 2 == 0)
        if count == 1:
            print("working", flush=True)
print(count)
"""


def test_beside_a_sealer_and_a_collector(
    repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Objects move, packs are rewritten and vanish; nothing of it is damage."""
    monkeypatch.setattr(check_content, "_WORTH_SPREADING", 0)
    pipe = subprocess.PIPE
    commands = [[sys.executable, "-c", code, str(tmp_path)] for code in (_STORER, _KEEPER)]
    crew = [subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) for command in commands]
    for one in crew:
        assert one.stdout is not None
        assert one.stdout.readline() == "working\n"
    kinds: list[dict[str, float]] = [{}, {}, {"structure": True}, {"sample": 50}]
    reports = [repo.verify(**kinds[n % 4]) for n in range(16)]  # type: ignore[arg-type]
    for one in crew:
        one.communicate("stop\n")
    assert [one.returncode for one in crew] == [0, 0]
    errors = [one for report in reports for one in report.problems if one.kind != "blob"]
    assert errors == []
    assert repo.verify().ok
    repo.gc(full=True)
    assert repo.verify().problems == ()
