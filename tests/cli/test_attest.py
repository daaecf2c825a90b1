from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import Program

ROW = ["file", "kind", "name", "seq", "spec_digest", "predicate_type", "keyid"]
KINDS = ["release", "test-result", "vsa"]


@pytest.fixture(autouse=True)
def keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the test a folder of keys of its own."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return tmp_path / "data" / "aivcs" / "keys"


@pytest.fixture
def released(here: Program, spec: str) -> Program:
    """Stand in a repository with a release that gates were asked for."""
    results = [{"suite": "s", "example_id": n, "passed": n < 3} for n in range(4)]
    Path("results.jsonl").write_text("".join(f"{json.dumps(one)}\n" for one in results))
    here.good("eval", "record", spec, "results.jsonl")
    here.good("promote", "helper", spec, "--require", "min_pass_rate=0.5")
    return here


@pytest.fixture
def vkey(released: Program) -> str:
    """Make a key, and return the verifier key of the log of releases."""
    found = released.json("key", "create", "example.com/agents")["verifiers"]["releases"]
    assert isinstance(found, str)
    return found


def test_without_a_key_nothing_is_written(released: Program) -> None:
    assert released.fail("attest", "helper", "-o", "x.json") == (3, "key_not_found")
    assert "'aivcs key create ORIGIN' makes one" in released("attest", "helper", "-o", "x.json").err
    assert not Path("x.json").exists()


def test_one_attestation(released: Program, vkey: str, spec: str) -> None:
    said = released.good("attest", "helper", "-o", "x.json")
    assert said.text == f"x.json: release of helper@1, spec {spec[:12]}\n"
    assert released.good("attest", "helper@1", "-o", "-").out == Path("x.json").read_bytes()
    (row,) = released.json("attest", "helper", "--kind", "vsa", "-o", "y.json")
    assert list(row) == ROW
    assert (row["file"], row["kind"], row["name"], row["seq"]) == ("y.json", "vsa", "helper", 1)
    assert row["predicate_type"] == "https://slsa.dev/verification_summary/v1"
    assert row["keyid"] == released.json("key", "show")["keyid"]
    (row,) = released.json("attest", "helper", "-o", ".")
    assert row["file"] == "helper@1.release.json"
    said = released.good("verify-attestation", "x.json", "--key", vkey)
    first, *lines = said.text.splitlines()
    assert first == "it holds: release of pkg:generic/example.com/agents/helper@1"
    fields = dict(line.split(":", 1) for line in lines)
    told = {key: value.strip() for key, value in fields.items()}
    assert (told["spec"], told["seq"], told["kind"]) == (spec, "1", "promote")
    assert (told["actor"], told["signed by"]) == ("tester", vkey)


def test_all_there_is(released: Program, vkey: str, spec: str) -> None:
    rows = released.json("attest", "helper", "--kind", "all", "-o", "out/deep")
    assert [row["kind"] for row in rows] == KINDS
    texts = []
    for row in rows:
        found = released.json("verify-attestation", row["file"], "--key", vkey, "--spec", spec)
        assert list(found) == [
            "kind",
            "uri",
            "spec_digest",
            "subjects",
            "predicate",
            "signed_by",
        ]
        assert (found["kind"], found["subjects"]["spec"]) == (row["kind"], spec)
        texts.append(released.good("verify-attestation", row["file"], "--key", vkey).text)
    for line in ("result:       FAILED", "passedTests:  3", "warnedTests:  0", "failedTests:  1"):
        assert f"\n{line}\n" in texts[1]
    for line in (
        "verificationResult:  PASSED",
        "verifier:            https://example.com/agents",
        "verifiedLevels:      AIVCS_GATE_MIN_PASS_RATE",
    ):
        assert f"\n{line}\n" in texts[2]


def test_what_there_is_not_is_told(released: Program, vkey: str, second: str) -> None:
    released.good("promote", "helper", second)
    released.good("deprecate", "helper@1", "--reason", "wrong")
    for seq, why in ((2, "no gate was asked"), (3, "a deprecate asks no gate")):
        said = released.good("attest", f"helper@{seq}", "--kind", "all", "-o", "out")
        assert said.text.count("\n") == 1
        assert said.err == "".join(
            f"no {kind}: helper@{seq} has no verdict, so there is no {kind}: {why}\n"
            for kind in KINDS[1:]
        )
        failed = released.fail("attest", f"helper@{seq}", "--kind", "vsa", "-o", "x")
        assert failed == (3, "nothing_to_attest")
    (row,) = released.json("attest", "helper~1", "-o", "y")
    assert row["seq"] == 1
    found = released.json("verify-attestation", "out/helper@3.release.json", "--key", vkey)
    assert found["predicate"]["aivcs"]["deprecates"] == 1


def test_what_cannot_be_written(released: Program, vkey: str) -> None:
    assert vkey
    assert released.fail("attest", "helper", "--kind", "all", "-o", "-") == (2, "invalid_input")
    assert released.fail("attest", "helper", "--kind", "slsa", "-o", "x") == (2, "usage")
    assert released.fail("attest", "helper@9", "-o", "x") == (3, "release_not_found")
    assert released.fail("attest", "nobody", "-o", "x") == (3, "release_not_found")
    assert released.fail("attest", "helper", "-o", "no/folder/x") == (7, "storage")
    Path("file").write_text("")
    assert released.fail("attest", "helper", "--kind", "all", "-o", "file") == (7, "storage")


def test_what_does_not_hold(released: Program, vkey: str, second: str) -> None:
    released.good("attest", "helper", "-o", "x.json")

    def verify(path: str, key: str, *more: str) -> Any:
        return released.fail("verify-attestation", path, "--key", key, *more)

    runs = released.json("key", "show")["verifiers"]["runs"]
    Path("cut").write_bytes(Path("x.json").read_bytes()[:-9])
    assert verify("cut", vkey) == (6, "proof_invalid")
    assert verify("results.jsonl", vkey) == (6, "proof_invalid")
    assert verify("x.json", runs) == (6, "proof_invalid")
    assert verify("x.json", vkey, "--spec", second) == (6, "proof_invalid")
    assert verify("x.json", vkey, "--spec", "abcd") == (2, "invalid_digest")
    assert verify("x.json", "results.jsonl") == (2, "invalid_input")
    assert verify("none", vkey) == (2, "invalid_input")
    released.good("key", "rotate")
    released.good("attest", "helper", "-o", "x.json")
    assert verify("x.json", vkey) == (6, "proof_invalid")
    Path("new").write_text(released.json("key", "show")["verifiers"]["releases"] + "\n")
    released.good("verify-attestation", "x.json", "--key", vkey, "--key", "new")


def test_it_needs_no_repository(
    released: Program, vkey: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = released.good("attest", "helper", "-o", "-").out
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / ".aivcs").rename(tmp_path / "gone")
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert released.json("verify-attestation", "-", "--key", vkey, stdin=data)["kind"] == "release"


def test_the_public_key_in_pem(released: Program, vkey: str) -> None:
    assert vkey
    said = released.good("key", "show", "--pem").text
    assert said.startswith("-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA")
    assert released.json("key", "list")[0]["pem"] == said == released.json("key", "show")["pem"]
