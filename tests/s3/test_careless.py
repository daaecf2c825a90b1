"""Servers that do not do what S3 does, or not at once."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from aivcs.adapters.memory_ledger import MemoryLedger
from aivcs.adapters.s3 import Bucket, S3Blobs, claim, claimed
from aivcs.adapters.s3.failures import failure
from aivcs.adapters.s3.multipart import PART_SIZE
from aivcs.errors import ConflictError, StorageError, Unreachable
from aivcs.repo import Repo
from aivcs.testing.blobs import content, publish
from aivcs.testing.objects import noise
from tests.s3.careless import Careless, error
from tests.s3.server import OWNER

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.s3.careless import Answer, Call

NAME = "large/ab/abcd.zst"


@pytest.fixture
def careless() -> Iterator[Careless]:
    with Careless() as server:
        yield server


def bucket_of(server: Careless, timeout: float = 3, keys: Mapping[str, str] = OWNER) -> Bucket:
    return Bucket.find("s3://bucket/p", {**keys}, endpoint=server.endpoint, timeout=timeout)


@pytest.fixture
def blobs(careless: Careless, tmp_path: Path) -> S3Blobs:
    return S3Blobs(bucket_of(careless), tmp_path / "tmp")


def test_a_sound_server_is_claimed_once(careless: Careless) -> None:
    claim(bucket_of(careless))
    assert list(careless.blobs) == ["p/repository"]
    with pytest.raises(ConflictError, match="another repository"):
        claim(bucket_of(careless))


def test_a_claim_is_given_back(careless: Careless) -> None:
    with pytest.raises(KeyError), claimed(bucket_of(careless)):
        raise KeyError
    assert careless.blobs == {}
    with claimed(bucket_of(careless)):
        pass
    assert list(careless.blobs) == ["p/repository"]


def ignore_conditions(call: Call) -> Answer | None:
    return (200, b"") if "if-none-match" in call.headers else None


def refuse_every_condition(call: Call) -> Answer | None:
    return error(412, "PreconditionFailed") if "if-none-match" in call.headers else None


def return_old_bytes(call: Call) -> Answer | None:
    old = call.method == "GET" and call.key and "range" not in call.headers
    return (200, b"old") if old else None


def list_nothing(call: Call) -> Answer | None:
    return (200, b"<ListBucketResult></ListBucketResult>") if "list-type" in call.query else None


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (ignore_conditions, "ignores conditional writes"),
        (refuse_every_condition, "refuses to create"),
        (return_old_bytes, "does not return what was just written"),
        (list_nothing, "does not list"),
    ],
)
def test_an_unfit_server_is_refused(careless: Careless, rule: object, text: str) -> None:
    careless.rule = rule  # type: ignore[assignment]
    with pytest.raises(StorageError, match=text) as caught:
        claim(bucket_of(careless))
    assert caught.value.hint
    assert careless.blobs == {}


def test_a_server_that_returns_another_range(careless: Careless) -> None:
    def rule(call: Call) -> Answer | None:
        return (206, b"other") if "range" in call.headers else None

    careless.rule = rule
    with pytest.raises(StorageError, match="range"):
        claim(bucket_of(careless))


def test_a_server_that_nobody_finds_is_told_in_a_few_words(careless: Careless) -> None:
    said = "Generic S3 error: Error performing DELETE http://a.invalid/bucket in 1.8s, after 10 "
    said += "retries, max_retries: 10, retry_timeout: 30s  - HTTP error: error sending request"
    told = failure(bucket_of(careless).address, "", 0, "", said)
    assert told.message.startswith("no answer from the server of s3://bucket/p at http://127.")
    assert told.message.endswith(": it cannot be reached")


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (error(507, "InsufficientStorage"), "no space left"),
        (error(403, "QuotaExceeded"), "no permission|no space"),
        (error(403, "ExpiredToken"), "no valid credentials .*ExpiredToken"),
        (error(400, "InvalidToken"), "no valid credentials"),
        (error(401, "Denied"), "no permission"),
        (error(404, "NoSuchBucket"), "there is no bucket 'bucket'"),
        (error(400, "EntityTooLarge"), "refused .*400 EntityTooLarge"),
        (error(500, "InternalError"), "failed at .*500 InternalError"),
    ],
)
def test_what_a_write_is_refused_for(
    careless: Careless, blobs: S3Blobs, answer: Answer, text: str
) -> None:
    careless.rule = lambda call: answer if call.method == "PUT" else None
    with blobs.stage() as staged:
        staged.write(b"data")
        with pytest.raises(StorageError, match=text) as caught:
            staged.publish(NAME)
        assert caught.value.hint
        assert "owner" not in caught.value.message
        careless.rule = lambda _: None
        staged.publish(NAME)
    assert content(blobs, NAME) == b"data"


def test_a_missing_bucket_is_no_missing_blob(careless: Careless, blobs: S3Blobs) -> None:
    careless.rule = lambda _: error(404, "NoSuchBucket")
    for use in (blobs.open, blobs.exists, blobs.size, lambda name: blobs.read(name, 0, 1)):
        with pytest.raises(StorageError, match="there is no bucket"):
            use(NAME)
    with pytest.raises(StorageError, match="there is no bucket"):
        list(blobs.names())
    with pytest.raises(StorageError, match="there is no bucket"):
        blobs.delete(NAME)


def test_a_server_that_fails_for_a_while(careless: Careless, blobs: S3Blobs) -> None:
    left = [2]

    def rule(_: Call) -> Answer | None:
        left[0] -= 1
        return error(503, "SlowDown") if left[0] >= 0 else None

    careless.rule = rule
    publish(blobs, NAME, b"data")
    left[0] = 2
    assert blobs.read(NAME, 1, 2) == b"at"


def test_a_blob_that_arrived_short_is_not_kept(careless: Careless, blobs: S3Blobs) -> None:
    def rule(call: Call) -> Answer | None:
        if call.method == "PUT":
            careless.blobs[call.key] = call.body[:-1]
            return 200, b""
        return None

    careless.rule = rule
    with pytest.raises(StorageError, match=r"arrived .* with 3 of 4 bytes"):
        publish(blobs, NAME, b"data")
    assert careless.blobs == {}


def test_a_delete_of_nothing_may_be_a_404(careless: Careless, blobs: S3Blobs) -> None:
    careless.rule = lambda _: error(404, "NoSuchKey")
    blobs.delete(NAME)


def test_a_refused_range_that_is_inside_is_an_error(careless: Careless, blobs: S3Blobs) -> None:
    publish(blobs, NAME, b"data")
    careless.rule = lambda call: error(400, "Odd") if "range" in call.headers else None
    with pytest.raises(StorageError, match="Odd"):
        blobs.read(NAME, 1, 2)


def test_the_foreign_key_of_the_mark_is_no_blob(careless: Careless, blobs: S3Blobs) -> None:
    careless.blobs = {"p/repository": b"", "p/z": b"1", "p/large/a": b"2"}
    assert list(blobs.names()) == ["large/a", "z"]


class Parts:
    """The calls for uploads in parts; some may be refused, and the sum may be wrong."""

    def __init__(self, server: Careless) -> None:
        self.server = server
        self.parts: dict[int, bytes] = {}
        self.refuse: dict[str, Answer] = {}
        self.wrong_sum = False

    def __call__(self, call: Call) -> Answer | None:
        kind = self._kind(call)
        if kind in self.refuse:
            return self.refuse[kind]
        if kind == "part":
            self.parts[int(call.query["partNumber"])] = call.body
        if kind == "complete":
            self.server.blobs[call.key] = b"".join(self.parts[key] for key in sorted(self.parts))
        answers = {
            "find": "<ListMultipartUploadsResult></ListMultipartUploadsResult>",
            "begin": "<InitiateMultipartUploadResult><UploadId>7</UploadId>"
            "</InitiateMultipartUploadResult>",
            "known": "<ListPartsResult></ListPartsResult>",
            "part": "",
            "complete": "<CompleteMultipartUploadResult>"
            f"<ETag>&quot;{self._sum()}&quot;</ETag></CompleteMultipartUploadResult>",
        }
        return (200, answers[kind].encode()) if kind else None

    def _kind(self, call: Call) -> str:
        if "uploads" in call.query:
            return "find" if call.method == "GET" else "begin"
        if "uploadId" not in call.query:
            return ""
        return {"GET": "known", "PUT": "part", "POST": "complete"}.get(call.method, "")

    def _sum(self) -> str:
        if self.wrong_sum:
            return "0" * 32 + "-2"
        digests = [hashlib.md5(self.parts[key]).digest() for key in sorted(self.parts)]  # noqa: S324
        return f"{hashlib.md5(b''.join(digests)).hexdigest()}-{len(digests)}"  # noqa: S324


LONG = bytes(PART_SIZE) + b"end"


def test_a_server_without_listings_of_uploads(careless: Careless, blobs: S3Blobs) -> None:
    rule = Parts(careless)
    rule.refuse = {"find": error(501, "NotImplemented"), "known": error(403, "AccessDenied")}
    careless.rule = rule
    publish(blobs, NAME, LONG)
    assert careless.blobs[f"p/{NAME}"] == LONG


@pytest.mark.parametrize(
    ("kind", "answer", "text"),
    [
        ("begin", error(403, "AccessDenied"), "no permission"),
        ("begin", error(404, "NoSuchBucket"), "there is no bucket"),
        ("part", error(507, "InsufficientStorage"), "no space left"),
        ("part", error(503, "SlowDown"), "failed at .*503 SlowDown"),
        ("part", error(404, "NoSuchUpload"), "unknown to the server"),
        ("part", error(400, "BadDigest"), "400 BadDigest"),
        ("complete", error(200, "InternalError"), "200 InternalError"),
        ("complete", error(400, "InvalidPart"), "400 InvalidPart"),
    ],
)
def test_what_an_upload_in_parts_is_refused_for(
    careless: Careless, blobs: S3Blobs, kind: str, answer: Answer, text: str
) -> None:
    rule = Parts(careless)
    careless.rule = rule
    rule.refuse = {kind: answer}
    with blobs.stage() as staged:
        staged.write(LONG)
        with pytest.raises(StorageError, match=text) as caught:
            staged.publish(NAME)
        assert caught.value.hint
        assert careless.blobs == {}
        rule.refuse = {}
        staged.publish(NAME)
    assert careless.blobs[f"p/{NAME}"] == LONG


def test_somebody_else_ended_the_upload(careless: Careless, blobs: S3Blobs) -> None:
    rule = Parts(careless)

    def end(call: Call) -> Answer | None:
        if call.method == "PUT":
            careless.blobs[f"p/{NAME}"] = LONG
            return error(404, "NoSuchUpload")
        return rule(call)

    careless.rule = end
    publish(blobs, NAME, LONG)
    assert careless.blobs[f"p/{NAME}"] == LONG


def test_a_whole_with_the_wrong_checksum_is_not_kept(careless: Careless, blobs: S3Blobs) -> None:
    careless.rule = rule = Parts(careless)
    rule.wrong_sum = True
    with pytest.raises(StorageError, match="another checksum"):
        publish(blobs, NAME, LONG)
    assert careless.blobs == {}
    rule.wrong_sum = False
    publish(blobs, NAME, LONG)
    assert careless.blobs[f"p/{NAME}"] == LONG


def test_without_keys_the_library_sends_the_parts(
    careless: Careless, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SKIP_SIGNATURE", "true")
    careless.rule = Parts(careless)
    keys = {"HOME": str(tmp_path), "AWS_WEB_IDENTITY_TOKEN_FILE": "none"}
    blobs = S3Blobs(bucket_of(careless, keys=keys), tmp_path / "tmp")
    publish(blobs, NAME, LONG)
    assert careless.blobs[f"p/{NAME}"] == LONG
    assert not any(call.method == "GET" and "uploads" in call.query for call in careless.calls)


def test_behind_a_proxy_the_library_sends_the_parts(
    careless: Careless, blobs: S3Blobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aivcs.adapters.s3.multipart._proxied", lambda _: True)
    careless.rule = Parts(careless)
    publish(blobs, NAME, LONG)
    assert careless.blobs[f"p/{NAME}"] == LONG
    assert not any(call.method == "GET" and "uploads" in call.query for call in careless.calls)


def test_an_answer_that_makes_no_sense(careless: Careless, blobs: S3Blobs) -> None:
    careless.rule = lambda _: (200, b"\xff not what was asked for")
    with pytest.raises(StorageError):
        list(blobs.names())
    with pytest.raises(StorageError):
        blobs.read(NAME, 1, 3)


@pytest.mark.parametrize(("method", "sound"), [("GET", 0), ("GET", 1), ("GET", 2), ("HEAD", 0)])
def test_a_server_that_goes_away_is_no_damage(
    careless: Careless, tmp_path: Path, method: str, sound: int
) -> None:
    blobs = S3Blobs(bucket_of(careless, timeout=2), tmp_path / "tmp")
    left = [sound]

    def away(call: Call) -> Answer | None:
        left[0] -= call.method == method and bool(call.key)
        return error(503, "SlowDown") if left[0] < 0 else None

    with Repo(MemoryLedger(), blobs) as repo:
        items = [b"%d" % number * 50 for number in range(100)]
        digests = repo.objects.put_many(items, pin=True)
        repo.seal()
        items.append(noise(200_000))
        digests.append(repo.objects.put(items[-1], pin=True))
        kept = dict(careless.blobs)
        for check in (repo.verify, repo.repair):
            left[0] = sound
            careless.rule = away
            with pytest.raises(Unreachable, match="503"):
                check()
            careless.rule = lambda _: None
            assert careless.blobs == kept
        assert repo.verify().ok
        assert [data for _, data in repo.objects.get_many(digests)] == items
