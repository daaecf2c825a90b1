from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import Program

RELEASE = [
    "what",
    "name",
    "seq",
    "kind",
    "spec_digest",
    "created_at",
    "metadata",
    "actor",
    "reason",
    "previous",
    "restores",
    "log",
    "signed_by",
]


@pytest.fixture(autouse=True)
def keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the test a folder of keys of its own."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return tmp_path / "data" / "aivcs" / "keys"


@pytest.fixture
def released(here: Program, agent: Path) -> Program:
    """Stand in a repository with a release."""
    digest = here.json("spec", "add", agent)["digest"]
    assert here.json("promote", "helper", digest, "--version-label", "1.0.0")["log_index"] == 0
    return here


@pytest.fixture
def signed(released: Program) -> Program:
    """Stand there with a key too."""
    released.good("key", "create", "example.com/agents")
    return released


def test_publishing(released: Program, run: str) -> None:
    assert released.json("publish")[0] == {
        "log": "releases",
        "origin": released.json("publish")[0]["origin"],
        "size": 1,
        "root": released.json("publish")[0]["root"],
        "signed": False,
        "added": 0,
    }
    said = released.good("publish")
    assert said.text.startswith("aivcs.local/")
    assert said.text.endswith("/releases: 1 entry, 0 new, unsigned: integrity only\n")
    assert "key create ORIGIN" in said.err
    released.good("key", "create", "example.com/agents")
    released.good("run", "complete", run)
    assert released.good("publish").text == (
        "example.com/agents/releases: 1 entry, 0 new, signed\n"
        "example.com/agents/runs: 1 entry, 1 new, signed\n"
    )


def test_there_may_be_nothing_to_publish(here: Program) -> None:
    said = here.good("publish")
    assert (said.text, said.err) == ("", "there is nothing to publish yet\n")
    assert here.json("publish") == []


def test_what_cannot_be_published_is_a_warning(released: Program) -> None:
    released.good("key", "create", "example.com/agents")
    released.good("publish")
    key = next((Path(os.environ["XDG_DATA_HOME"]) / "aivcs" / "keys").iterdir())
    key.chmod(0o644)
    said = released.good("promote", "helper", released.json("current", "helper")["spec_digest"])
    assert "warning: the release is recorded, but not published: others may read" in said.err
    assert released.fail("publish") == (2, "unsafe_key")
    key.unlink()
    assert released.fail("publish") == (3, "key_not_found")
    assert len(released.json("history", "helper")) == 2


def test_keys(released: Program, keys: Path) -> None:
    assert released.json("key", "list") == []
    assert "there is no key" in released.good("key", "list").err
    assert released.fail("key", "create") == (2, "invalid_input")
    assert released.fail("key", "create", "two words") == (2, "invalid_config")
    assert released.fail("key", "show") == (2, "invalid_input")
    made = released.json("key", "create", "example.com/agents")
    assert list(made) == ["origin", "path", "verifiers", "state", "keyid", "pem"]
    assert list(made["verifiers"]) == ["releases", "runs"]
    assert made["verifiers"]["runs"].startswith("example.com/agents/runs+")
    assert stat.S_IMODE(Path(made["path"]).stat().st_mode) == 0o600
    assert released.json("key", "show") == made == released.json("key", "list")[0]
    assert released.fail("key", "create") == (4, "conflict")
    assert released.fail("key", "create", "another") == (4, "conflict")
    assert released.fail("key", "show", "another") == (3, "key_not_found")
    text = released.good("key", "show").text
    assert f"verifier of releases:  {made['verifiers']['releases']}" in text
    rows = released.good("key", "list").text.splitlines()
    assert len(rows) == 2
    assert "current" in rows[1]
    assert len(list(keys.iterdir())) == 1


def test_a_key_is_rotated(signed: Program) -> None:
    before = signed.json("key", "show")
    said = signed.json("key", "rotate")
    assert said["old"]["verifiers"] == before["verifiers"]
    assert {**said["new"]} == signed.json("key", "show")
    assert said["new"]["verifiers"] != before["verifiers"]
    text = signed.good("key", "rotate")
    assert "verifier of runs:" in text.text
    assert "publish the new verifier keys" in text.err
    assert signed.json("publish")[0]["size"] == 3
    assert signed.json("verify")["ok"]


def test_a_key_is_made_outside_of_any_repository(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = program.json("key", "create", "example.com/agents")
    assert program.json("key", "show", "example.com/agents") == made
    assert program.fail("key", "create") == (10, "no_repository")
    assert program.fail("-C", "nowhere", "key", "create", "x") == (10, "no_repository")
    monkeypatch.setenv("AIVCS_KEY", made["path"])
    assert program.json("key", "show") == made


def test_a_proof(signed: Program, tmp_path: Path) -> None:
    vkey = signed.json("key", "show")["verifiers"]["releases"]
    said = signed.json("prove", "helper", "-o", "proof")
    assert list(said) == ["file", "bytes", "origin", "index", "size", "signed"]
    assert said["bytes"] == (tmp_path / "proof").stat().st_size
    assert signed.good("prove", "helper@1.0.0", "-o", "-").out == (tmp_path / "proof").read_bytes()
    shown = signed.json("verify-proof", "proof", "--key", vkey)
    assert list(shown) == RELEASE
    assert shown["log"] == {"origin": "example.com/agents/releases", "index": 0, "size": 1}
    assert shown["signed_by"] == [vkey]
    for form in ((), ("--json",), ("--vkey",)):
        (tmp_path / "vkey").write_bytes(signed.good("key", "show", *form).out)
        assert signed.json("verify-proof", "proof", "--key", "vkey") == shown
    text = signed.good("verify-proof", "proof", "--key", "vkey").text
    (tmp_path / "c++.vkey").write_text(f"{vkey}\n")
    assert signed.good("verify-proof", "proof", "--key", "c++.vkey").text == text
    assert text.startswith("it holds: release helper@1 is entry 0 of the 1 of example.com/agents")
    assert "version_label:  1.0.0\n" in text
    assert signed.good("prove", "helper", "-o", "proof").text.startswith("proof: entry 0 of the 1")
    other = vkey.replace("/releases", "/other")
    assert signed.fail("verify-proof", "proof", "--key", other) == (2, "invalid_input")
    runs = signed.json("key", "show")["verifiers"]["runs"]
    assert signed.fail("verify-proof", "proof", "--key", runs) == (6, "proof_invalid")
    (tmp_path / "proof").write_bytes(b"no proof")
    assert signed.fail("verify-proof", "proof", "--key", vkey) == (6, "proof_invalid")


def test_what_is_no_key(signed: Program, tmp_path: Path) -> None:
    signed.good("prove", "helper", "-o", "proof")
    assert signed.fail("key", "show", "--vkey", "--pem") == (2, "usage")
    (tmp_path / "pem").write_bytes(signed.good("key", "show", "--pem").out)
    said = signed("verify-proof", "proof", "--key", "pem", "--json")
    assert said.status == 2
    assert said.error["message"] == "pem holds a PEM, which has no name of a log"
    assert "key show --vkey" in said.error["hint"]
    said = signed("verify-proof", "proof", "--key", "proof", "--json")
    assert said.error["message"] == "proof holds no verifier key"
    assert signed.fail("verify-proof", "proof", "--key", "none") == (2, "invalid_input")
    assert signed.fail("verify-proof", "proof", "--key", "a+b") == (2, "invalid_input")


def test_the_wrong_file_is_told(signed: Program, tmp_path: Path) -> None:
    signed.good("prove", "helper", "-o", "proof")
    signed.good("attest", "helper", "-o", "attestation")
    (tmp_path / "keys").write_bytes(signed.good("key", "show", "--vkey").out)
    given = ("--key", "keys", "--json")
    signed.good("verify-attestation", "attestation", *given)
    said = signed("verify-proof", "attestation", *given)
    assert (said.status, said.error["code"]) == (6, "proof_invalid")
    assert "'aivcs verify-attestation'" in said.error["hint"]
    said = signed("verify-attestation", "proof", *given)
    assert said.error["message"] == "not an attestation: it is a proof"
    said = signed("verify-proof", "keys", *given)
    assert said.error["hint"] == "give the file that 'aivcs prove' wrote, as it was"


def test_a_proof_as_json(signed: Program) -> None:
    said = signed.json("prove", "helper", "-o", "-")
    assert said["file"] == "-"
    assert said["bytes"] == len(said["proof"].encode())
    assert said["proof"].encode() == signed.good("prove", "helper", "-o", "-").out


def test_a_new_key_can_be_followed(signed: Program, tmp_path: Path) -> None:
    (tmp_path / "old").write_bytes(signed.good("key", "show", "--vkey").out)
    assert signed.fail("prove", "--after-key", "old", "-o", "new") == (3, "key_not_found")
    signed.good("key", "rotate")
    signed.good("promote", "helper", "helper@1")
    assert signed.fail("prove", "helper", "--after-key", "old", "-o", "new")[0] == 2
    assert signed.good("prove", "--after-key", "old", "-o", "new").text.startswith("new: entry 1")
    verifiers = signed.json("key", "show")["verifiers"]
    assert signed.json("verify-proof", "new", "--key", "old")["verifiers"] == verifiers
    text = signed.good("verify-proof", "new", "--key", "old").text
    assert text.startswith("it holds: the new key is entry 1 of the 3 of example.com/agents/rel")
    assert f"verifier of runs:      {verifiers['runs']}\n" in text
    assert "before:" in text


def test_a_proof_of_a_run(signed: Program, run: str) -> None:
    assert signed.fail("prove", "--run", run, "-o", "proof") == (5, "invalid_run_state")
    signed.good("run", "complete", run)
    signed.good("prove", "--run", run[:8], "-o", "proof")
    vkey = signed.json("key", "show")["verifiers"]["runs"]
    shown = signed.json("verify-proof", "proof", "--key", vkey)
    assert (shown["what"], shown["run_id"], shown["status"]) == ("run", run, "COMPLETED")
    text = signed.good("verify-proof", "proof", "--key", vkey).text
    assert text.startswith(f"it holds: run {run} is entry 0 of the 1 of example.com/agents/runs\n")


def test_what_cannot_be_proved(released: Program) -> None:
    assert released.fail("prove", "-o", "x") == (2, "invalid_input")
    assert released.fail("prove", "helper", "--run", "x", "-o", "x") == (2, "invalid_input")
    assert released.fail("prove", "helper@9", "-o", "x") == (3, "release_not_found")
    assert released.fail("prove", "helper", "-o", "no/folder") == (7, "storage")
    assert "nothing to anybody else" in released.good("prove", "helper", "-o", "x").err
    vkey = "example.com/agents/releases+c3218c8a+AT0WwTZVa3en+Oh6de6lYaj/iqDWtoBJAiLTEh26L/OM"
    said = released("verify-proof", "x", "--key", vkey, "--json")
    assert said.error["message"] == "nobody has signed it"
    assert said.error["hint"].startswith("it shows integrity only")


def test_a_saved_checkpoint(signed: Program, tmp_path: Path) -> None:
    signed.good("publish")
    log = tmp_path / ".aivcs" / "log" / "releases"
    (tmp_path / "saved").write_bytes((log / "checkpoint").read_bytes())
    signed.good("promote", "helper", signed.json("current", "helper")["spec_digest"])
    assert signed.json("verify", "--against", "saved")["ok"]
    said = signed.good("verify", "--against", "saved", "--save", "later")
    assert said.err == "the logs still hold what saved says\nwhat the logs hold is saved in later\n"
    signed.good("prove", "helper@1", "-o", "proof")
    assert signed.good("verify", "--against", "proof").err.endswith("what proof says\n")
    (tmp_path / "proof").write_text((tmp_path / "proof").read_text().replace("index 0", "index 1"))
    assert signed.fail("verify", "--against", "proof") == (6, "proof_invalid")
    text = (tmp_path / "saved").read_text()
    (tmp_path / "saved").write_text(text.replace("example.com", "elsewhere"))
    assert signed.fail("verify", "--against", "saved") == (2, "invalid_input")
    (log / "tile" / "0" / "000.p" / "2").write_bytes(b"x")
    said = signed("verify")
    assert said.status == 6
    assert said.text.startswith("error: log log/releases/tile/0/000.p/2: it is not what the")
    assert "publish --rebuild" in said.err
    signed.good("publish", "--rebuild")
    assert signed("verify").status == 0
