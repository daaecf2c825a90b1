from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

import aivcs
from aivcs.adapters.files.directory import FORMAT
from aivcs.errors import (
    AivcsError,
    CorruptionError,
    InvalidConfig,
    NoRepository,
    RepositoryClosed,
    RepositoryTooNew,
    StorageError,
)
from aivcs.repo import Repo, default_actor, init, open_repo
from aivcs.testing.crew import WORKERS, processes
from aivcs.testing.subject import add_spec, by

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from aivcs.ports import Clock, Ids


def test_init_makes_a_repository_once(tmp_path: Path) -> None:
    place = tmp_path / "deep" / "down"
    with init(place) as repo:
        assert repo.created
        assert repo.folder == place / ".aivcs"
        spec = add_spec(repo)
    assert (place / ".aivcs" / "format").read_text() == f"{FORMAT}\n"
    for again in (place, place / ".aivcs"):
        with init(again) as repo:
            assert not repo.created
            assert repo.folder == place / ".aivcs"
            assert [one.digest for one in repo.specs.list()] == [spec]


def test_init_repairs_an_init_that_was_interrupted(tmp_path: Path) -> None:
    init(tmp_path).close()
    (tmp_path / ".aivcs" / "format").unlink()
    with pytest.raises(NoRepository):
        open_repo(tmp_path)
    with init(tmp_path) as repo:
        assert repo.created
        assert repo.verify().ok


def init_at_once(number: int, meet: Callable[[], object], places: list[str]) -> list[bool]:
    del number
    created = []
    for place in places:
        meet()
        with init(place) as repo:
            created.append(repo.created)
            add_spec(repo)
    return created


def test_several_processes_make_one_repository(tmp_path: Path) -> None:
    places = [str(tmp_path / str(number)) for number in range(10)]
    with processes() as crew:
        answers = crew(None)(init_at_once, places)
    for turn, place in enumerate(places):
        assert sorted(answer[turn] for answer in answers) == [False] * (WORKERS - 1) + [True]
        with open_repo(place) as repo:
            assert repo.verify().ok
            assert len(repo.specs.list()) == 1


@pytest.mark.parametrize("below", ["", "a/b/c", ".aivcs", ".aivcs/objects"])
def test_open_searches_upward(tmp_path: Path, below: str, monkeypatch: pytest.MonkeyPatch) -> None:
    init(tmp_path).close()
    (tmp_path / below).mkdir(parents=True, exist_ok=True)
    with open_repo(tmp_path / below) as repo:
        assert repo.folder == tmp_path / ".aivcs"
        assert not repo.created
    monkeypatch.chdir(tmp_path / below)
    monkeypatch.delenv("AIVCS_DIR", raising=False)
    with aivcs.open() as repo:
        assert repo.folder == tmp_path / ".aivcs"


def test_open_without_a_search(tmp_path: Path) -> None:
    init(tmp_path).close()
    (tmp_path / "below").mkdir()
    with pytest.raises(NoRepository, match="below") as refused:
        open_repo(tmp_path / "below", upward=False)
    assert refused.value.exit_code == 10
    assert "aivcs init" in (refused.value.hint or "")
    open_repo(tmp_path, upward=False).close()


def test_the_environment_chooses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    init(tmp_path / "here").close()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AIVCS_DIR", str(tmp_path / "here"))
    with open_repo() as repo:
        assert repo.folder == tmp_path / "here" / ".aivcs"
    (tmp_path / "here" / "below").mkdir()
    monkeypatch.setenv("AIVCS_DIR", str(tmp_path / "here" / "below"))
    with pytest.raises(NoRepository, match="below"):
        open_repo()
    with pytest.raises(NoRepository):
        open_repo(tmp_path)


def test_memory_is_new_at_each_call() -> None:
    with open_repo("memory:") as one, open_repo("memory:", "sync") as two:
        add_spec(one)
        assert len(one.specs.list()) == 1
        assert two.specs.list() == []
        assert one.folder is None


@pytest.mark.parametrize("text", ["2", "999999", "0"])
def test_another_format_is_refused(tmp_path: Path, text: str) -> None:
    init(tmp_path).close()
    (tmp_path / ".aivcs" / "format").write_text(f"{text}\n")
    for use in (init, open_repo):
        with pytest.raises(RepositoryTooNew, match=f"format {text}"):
            use(tmp_path)


@pytest.mark.parametrize("content", [b"", b"one", b"\xff\xfe", b"1.5", "\u0661".encode()])
def test_a_format_that_is_none_is_refused(tmp_path: Path, content: bytes) -> None:
    init(tmp_path).close()
    (tmp_path / ".aivcs" / "format").write_bytes(content)
    for use in (init, open_repo):
        with pytest.raises(CorruptionError, match="no format number"):
            use(tmp_path)


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (b"\xff", "UTF-8"),
        (b"[ledger", "TOML"),
        (b"[cloud]\nx = 1\n", "cloud"),
        (b"[network]\nair_gapped = 1\n", "air_gapped"),
        (b"ledger = 3\n", "ledger"),
        (b"[ledger]\nsize = 3\n", "size"),
        (b'[ledger]\ndurability = "maybe"\n', "maybe"),
        (b"[ledger]\ndurability = 3\n", "3"),
        (b'[ledger]\nurl = "postgresql://ann:secret@host/db"\n', "host/db"),
        (b'[objects]\nurl = "s3:/bucket"\n', "s3:/bucket"),
        (b'[objects]\nurl = "s3://"\n', "s3://"),
        (b'[objects]\nurl = "s3://ann:secret@bucket/x"\n', "bucket"),
        (b'[objects]\nurl = "s3://bucket"\nendpoint = "http://a:secret@b"\n', "endpoint"),
        (b'[objects]\nurl = "s3://bucket"\naccess_key_id = "secret"\n', "unknown key"),
        (b'[objects]\nurl = "s3://bucket"\nregion = "a b"\n', "a b"),
        (b'[objects]\nurl = "s3://bucket"\npath_style = 1\n', "path_style"),
        (b'[objects]\nurl = "s3://bucket"\ntimeout = true\n', "timeout"),
        (b'[objects]\nurl = "s3://bucket"\ntimeout = 0\n', "timeout"),
        (b'[objects]\nregion = "here"\n', "region"),
        (b"[objects]\nurl = 7\n", "7"),
    ],
)
def test_a_wrong_configuration_is_refused(tmp_path: Path, content: bytes, named: str) -> None:
    init(tmp_path).close()
    (tmp_path / ".aivcs" / "config.toml").write_bytes(content)
    with pytest.raises(InvalidConfig, match=named) as refused:
        open_repo(tmp_path)
    assert "secret" not in f"{refused.value} {refused.value.hint}"


@pytest.mark.parametrize(
    ("content", "hint"),
    [
        (
            "[cloud]\nx = 1\n",
            "the tables are gates, git, ledger, log, network, objects, retention, seal",
        ),
        ("[seal]\nsize = 3\n", "[seal] has the keys auto, threshold"),
        ("[seal]\ntoken = 3\n", "credentials belong into the environment"),
        ("[seal]\nauto = 3\n", "it is true or false"),
        ("[seal]\nthreshold = 3.5\n", "it is a whole number"),
        ("[objects]\nurl = 7\n", "it is text in quotes"),
        ("[objects]\nurl = 's3://bucket'\ntimeout = true\n", "it is a number"),
    ],
)
def test_a_wrong_configuration_is_told_what_is_right(
    tmp_path: Path, content: str, hint: str
) -> None:
    init(tmp_path).close()
    (tmp_path / ".aivcs" / "config.toml").write_text(content)
    with pytest.raises(InvalidConfig) as refused:
        open_repo(tmp_path)
    assert refused.value.hint == hint


def test_a_configuration_may_be_short_or_missing(tmp_path: Path) -> None:
    init(tmp_path).close()
    config = tmp_path / ".aivcs" / "config.toml"
    config.write_text('[ledger]\ndurability = "os"\n')
    with open_repo(tmp_path) as repo:
        add_spec(repo)
    config.unlink()
    with open_repo(tmp_path, "sync") as repo:
        assert len(repo.specs.list()) == 1
    with pytest.raises(InvalidConfig, match="maybe"):
        open_repo(tmp_path, "maybe")


def test_a_place_where_no_folder_can_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match="file"):
        init(tmp_path / "file")
    with pytest.raises(NoRepository):
        open_repo(tmp_path / "file", upward=False)
    with pytest.raises(AivcsError):
        init(tmp_path / ("x" * 300))


@pytest.mark.parametrize("where", ["memory:", "disk"])
def test_a_closed_repository(tmp_path: Path, where: str) -> None:
    repo = init(tmp_path) if where == "disk" else open_repo(where)
    spec = add_spec(repo)
    large = repo.objects.put(bytes(200_000))
    run = repo.run(spec=spec)
    repo.close()
    repo.close()
    calls: list[Callable[[], Any]] = [
        lambda: repo.objects.get(large),
        lambda: repo.objects.put(b"x"),
        lambda: repo.objects.put(bytes(300_000)),
        repo.specs.list,
        lambda: add_spec(repo),
        repo.runs.list_runs,
        lambda: repo.run(spec=spec),
        lambda: repo.releases.promote("agent", spec, by()),
        lambda: repo.releases.current("agent"),
        lambda: repo.find.run("latest"),
        repo.verify,
        run.record,
        lambda: run.artifact("late", b"x" * 200_000),
    ]
    for call in calls:
        with pytest.raises(RepositoryClosed, match="closed"):
            call()


def test_clock_and_ids_are_injected(tmp_path: Path, clock: Clock, ids: Ids) -> None:
    with init(tmp_path, clock=clock, ids=ids) as repo:
        with repo.run(spec=add_spec(repo)) as run:
            pass
        assert run.run_id == "00000001-0000-4000-8000-000000000000"
        created = repo.runs.get_run(run.run_id).created_at
        assert created.isoformat().startswith("2026-01-01T00:00:00.00")


def test_the_default_actor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIVCS_ACTOR", "ann")
    assert default_actor() == "ann"
    monkeypatch.delenv("AIVCS_ACTOR")
    monkeypatch.setenv("LOGNAME", "bob")
    assert default_actor() == "bob"

    def nobody() -> str:
        raise KeyError

    monkeypatch.setattr("getpass.getuser", nobody)
    assert default_actor() == f"uid-{os.getuid()}"


def test_the_public_names() -> None:
    for name in aivcs.__all__:
        assert getattr(aivcs, name) is not None
    assert set(aivcs.__all__) <= set(dir(aivcs))
    assert aivcs.Repo is Repo
    assert aivcs.open is open_repo
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = aivcs.no_such_name


def test_importing_costs_little() -> None:
    code = "import sys; before = set(sys.modules); import aivcs; print(*set(sys.modules) - before)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"apsw", "blake3", "zstandard", "rich", "click", "pathspec", "pytest", "hypothesis"}
    heavy |= {"cryptography", "subprocess", "tomllib", "uuid", "hashlib", "json", "aivcs.repo"}
    assert heavy.isdisjoint(done.stdout.split())


def test_a_spec_serves_where_its_digest_is_asked(tmp_path: Path) -> None:
    with init(tmp_path) as repo:
        spec = repo.specs.add({"components": {"prompts": {"system.md": "hello"}}})
        assert repo.releases.promote("bot", spec, by("me")).spec_digest == spec.digest
        with repo.run(spec=spec) as run:
            run.event("note")
        assert run.record().spec_digest == spec.digest


def test_a_copy_of_the_folder_under_another_name_opens(tmp_path: Path) -> None:
    with aivcs.init(tmp_path) as repo:
        digest = repo.objects.put(b"data")
    copy = shutil.copytree(tmp_path / ".aivcs", tmp_path / "backup")
    with aivcs.open(copy) as repo:
        assert repo.objects.get(digest) == b"data"
    (copy / "aivcs.db").unlink()
    with aivcs.open(copy / "deeper") as repo:
        assert repo.folder == tmp_path / ".aivcs"
