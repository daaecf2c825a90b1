from __future__ import annotations

from typing import TYPE_CHECKING

from tests.verifying.test_unreadable import refuse

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest

    from tests.cli.conftest import Program


def _damage(program: Program, tmp_path: Path, at: int | None = None) -> str:
    (tmp_path / "big").write_bytes(b"0123456789abcdef" * 20_000)
    digest = program.json("object", "put", "big")[0]["digest"]
    (file,) = [p for p in (tmp_path / ".aivcs" / "objects").rglob("*") if p.is_file()]
    content = bytearray(file.read_bytes())
    content[len(content) // 2 if at is None else at] ^= 1
    file.chmod(0o644)
    file.write_bytes(content)
    assert isinstance(digest, str)
    return digest


def test_all_is_well(here: Program, run: str) -> None:
    here.good("run", "append", run, "--kind", "k")
    answer = here.json("verify")
    assert list(answer) == ["ok", "checked", "problems", "depth", "complete", "seals"]
    assert (answer["depth"], answer["complete"]) == ("bytes", True)
    assert answer["ok"] is True
    assert answer["problems"] == []
    assert list(answer["checked"]) == ["objects", "runs", "events", "releases"]
    assert (answer["checked"]["runs"], answer["checked"]["events"]) == (1, 1)
    assert here.good("verify").text.endswith(", 1 run, 1 event, 0 releases\n")


def test_damage_is_told_with_its_own_status(here: Program, tmp_path: Path) -> None:
    digest = _damage(here, tmp_path)
    said = here("verify", "--json")
    assert said.status == 6
    assert said.json["ok"] is False
    (problem,) = said.json["problems"]
    assert list(problem) == ["kind", "id", "detail", "severity", "breaks"]
    assert digest in problem["id"]
    text = here("verify")
    assert text.status == 6
    assert text.text.splitlines()[0].startswith(f"error: object {digest} in large/")
    assert text.text.splitlines()[-1].startswith("DAMAGED: 1 error; checked ")
    assert text.text.count(f"object {digest}") == 1
    assert text.err == "hint: 'aivcs repair' heals what has a second copy\n"
    assert here("verify", "--runs", "--releases").status == 0
    assert here("verify", "--objects").status == 6
    assert here.fail("object", "get", digest, "-o", "out") == (6, "integrity")
    assert "hint: 'aivcs repair --from' heals it" in here("object", "get", digest).err
    assert not (tmp_path / "out").exists()


def test_what_cannot_be_read_has_its_own_status(
    here: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "big").write_bytes(b"0123456789abcdef" * 20_000)
    digest = here.json("object", "put", "big")[0]["digest"]
    (file,) = (p for p in (tmp_path / ".aivcs" / "objects").rglob("*") if p.is_file())
    refuse(monkeypatch, file)
    said = here("verify", "--json")
    assert (said.status, said.json["ok"], said.err) == (7, False, "")
    first, second = said.json["problems"]
    assert [first["kind"], second["kind"]] == ["unreadable", "unreadable"]
    assert first["detail"] == f"no permission for {file}: Permission denied"
    assert (second["id"], second["breaks"]) == (digest, ["a pinned object"])
    hint = "hint: check permissions and the disk; what cannot be read may be sound\n"
    text = here("verify")
    assert (text.status, text.err) == (7, hint)
    assert text.text.splitlines()[0] == f"unreadable: {first['detail']}"
    assert text.text.splitlines()[-1].startswith("UNREADABLE: 2 findings; checked 1 object")
    said = here("repair", "--json")
    assert (said.status, said.json["ok"]) == (7, False)
    assert [one["id"] for one in said.json["unreadable"]] == [first["id"], digest]
    text = here("repair")
    assert (text.status, text.err) == (7, hint)
    assert text.text.splitlines()[-1] == "UNREADABLE: 2 unreadable findings"
    assert here.fail("object", "get", digest) == (7, "unreadable")


def test_damage_wins_over_what_cannot_be_read(
    here: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    damaged = _damage(here, tmp_path)
    (tmp_path / "big").write_bytes(b"0123456789abcdef" * 30_000)
    digest = here.json("object", "put", "big")[0]["digest"]
    (file,) = (tmp_path / ".aivcs" / "objects").rglob(f"{digest}.zst")
    refuse(monkeypatch, file)
    said = here("verify", "--json")
    assert said.status == 6
    assert [one["kind"] for one in said.json["problems"]] == ["object", "unreadable", "unreadable"]
    text = here("verify")
    assert text.text.splitlines()[-1].startswith("DAMAGED: 1 error, 2 unreadable; checked ")
    assert text.err.count("hint: ") == 2
    said = here("repair", "--json")
    assert said.status == 6
    assert [one["digest"] for one in said.json["unhealed"]] == [damaged]
    assert len(said.json["unreadable"]) == 2
    assert here("repair").text.endswith("DAMAGED: 1 error left, 2 unreadable findings\n")


def test_a_missing_file_is_told(here: Program, tmp_path: Path) -> None:
    digest = _damage(here, tmp_path)
    for file in (tmp_path / ".aivcs" / "objects").rglob("*"):
        if file.is_file():
            file.unlink()
    assert here.fail("object", "get", digest) == (6, "missing_object")
    assert "hint: 'aivcs repair --from' heals it from a copy" in here("object", "get", digest).err


def test_what_was_interrupted_goes_on(here: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    here.good("object", "put", "-", stdin=b"a document")
    here.good("seal")
    with monkeypatch.context() as patch:

        def interrupt(*_: object) -> None:
            raise KeyboardInterrupt

        patch.setattr("aivcs.services.check_packs.PackChecks.problems", interrupt)
        said = here("verify", "--json")
        hint = "'aivcs verify --resume' goes on from here"
        assert (said.status, said.error["code"], said.error["hint"]) == (130, "interrupted", hint)
        said = here("verify", "--structure")
        assert (said.status, said.err) == (130, "error: interrupted\n")
        assert here("verify").err == f"error: interrupted\nhint: {hint}\n"
    assert here.good("verify", "--resume").text.endswith(" 0 releases (resumed)\n")
    assert here.good("verify", "--resume").text.endswith(" 0 releases\n")


def test_parts_are_passed_on(here: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    from aivcs.domain.report import Report

    asked: list[dict[str, object]] = []
    parts = {"objects", "runs", "releases"}

    def verify(_: object, *, advance: Callable[[], None], **wanted: object) -> Report:
        advance()
        asked.append({name: value for name, value in wanted.items() if name in parts})
        return Report({})

    monkeypatch.setattr("aivcs.repo.Repo.verify", verify)
    here.good("verify")
    here.good("verify", "--objects", "--releases")
    assert asked == [
        {"objects": True, "runs": True, "releases": True},
        {"objects": True, "runs": False, "releases": True},
    ]


def test_without_content(here: Program, tmp_path: Path) -> None:
    digest = _damage(here, tmp_path, at=12)
    assert here("verify").status == 6
    text = here.good("verify", "--structure").text
    assert text.startswith("ok: checked ")
    assert text.endswith(" without their content\n")
    answer = here.json("verify", "--structure")
    assert (answer["depth"], answer["complete"]) == ("structure", True)
    for file in (tmp_path / ".aivcs" / "objects").rglob("*"):
        if file.is_file():
            file.unlink()
    said = here("verify", "--structure", "--json")
    assert said.status == 6
    assert said.json["problems"][0]["id"] == digest


def test_a_part_of_the_content(
    here: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from aivcs.domain.report import Depth, Report

    for number in range(50):
        (tmp_path / f"{number}.json").write_text(f'{{"number": {number}}}')
    here.good("object", "put", *sorted(tmp_path.glob("*.json")))
    answer = here.json("verify", "--sample", "100%")
    assert (answer["depth"], answer["complete"]) == ("sample", True)
    assert answer["checked"]["objects"] == 50
    answer = here.json("verify", "--within", "1e-9")
    assert (answer["depth"], answer["complete"]) == ("sample", False)
    assert answer["checked"]["objects"] == 0
    too_short = here.good("verify", "--within", "1e-9").text
    assert too_short == "nothing was read: the time was too short\n"
    assert here.good("verify", "--within", "60").text.endswith(" 0 releases\n")
    part = Report({"objects": 3}, depth=Depth.SAMPLE, complete=False)
    monkeypatch.setattr("aivcs.repo.Repo.verify", lambda *_, **__: part)
    assert here.good("verify").text == "ok: checked 3 objects (a sample)\n"


def test_what_contradicts_itself_is_refused(here: Program) -> None:
    for wrong in (
        ("--sample", "0"),
        ("--sample", "101%"),
        ("--within", "0"),
        ("--within", "nan"),
        ("--structure", "--sample", "5%"),
        ("--resume", "--sample", "5%"),
    ):
        assert here.fail("verify", *wrong) == (2, "invalid_input")
    assert here("verify", "--sample", "some").status == 2


def test_much_damage_is_told_in_part(here: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    from aivcs.domain.report import Problem, Report

    many = tuple(Problem("object", str(n), "it is damaged") for n in range(70))
    monkeypatch.setattr("aivcs.repo.Repo.verify", lambda *_, **__: Report({}, many))
    said = here("verify")
    assert len(said.text.splitlines()) == 51
    assert said.text.splitlines()[0] == "error: object 0: it is damaged"
    assert said.text.splitlines()[-1].startswith("DAMAGED: 70 errors; checked ")
    assert said.err.startswith("20 more; --json has all\nhint: ")
    assert len(here("verify", "--json").json["problems"]) == 70


def test_what_was_saved_is_compared(here: Program, spec: str) -> None:
    run_id = here.json("run", "start", "--spec", spec)["run_id"]
    here.good("run", "complete", run_id)
    seals = here.json("verify", "--save", "saved")["seals"]
    assert seals["size"] == 1
    root = f"{seals['size']}:{seals['root']}"
    for known in ("saved", root):
        assert here.json("verify", "--against", known)["ok"]
    other = f"2:{seals['root']}"
    said = here("verify", "--against", other)
    assert said.status == 6
    assert "2 ended runs were saved, 1 of them are missing" in said.text
    assert here("verify", "--against", other, "--save", "no").status == 6
    assert here.fail("verify", "--against", "no") == (2, "invalid_input")
    assert here.fail("verify", "--against", "1:ab") == (2, "invalid_input")
    assert here.fail("verify", "--save", "no/where/saved") == (7, "storage")


def test_what_is_new_is_read(here: Program, spec: str) -> None:
    run_id = here.json("run", "start", "--spec", spec)["run_id"]
    here.good("verify")
    here.good("run", "append", run_id, "--kind", "note")
    found = here.json("verify", "--incremental")
    assert found["checked"] == {"objects": 0, "runs": 1, "events": 1, "releases": 0}
    assert found["seals"] is None
    assert here.fail("verify", "--incremental", "--save", "saved") == (2, "invalid_input")
