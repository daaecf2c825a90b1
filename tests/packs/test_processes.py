"""Sealers beside writers and readers, each a process."""

from __future__ import annotations

import subprocess
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from aivcs.domain.digest import Digest
from aivcs.domain.stored import Tier
from aivcs.repo import init, open_repo

if TYPE_CHECKING:
    from pathlib import Path

_WRITER = """
import random, sys
import aivcs

chance = random.Random(int(sys.argv[1]))
with aivcs.open(".") as repo:
    stored = {}
    for turn in range(15):
        new = [b"%s %d %d" % (sys.argv[1].encode(), turn, number) for number in range(40)]
        stored.update(zip(repo.objects.put_many(new, pin=True), new))
        for digest in chance.sample(sorted(stored), 20):
            assert repo.objects.get(digest) == stored[digest]
        some = chance.sample(sorted(stored), 30)
        assert dict(repo.objects.get_many(some)) == {one: stored[one] for one in some}
    print("done", flush=True)
"""
_SEALER = """
import aivcs

with aivcs.open(".") as repo:
    print("ready", flush=True)
    while True:
        repo.seal()
"""


def process(place: Path, code: str, *arguments: object) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, cwd=place, stdout=subprocess.PIPE)


@pytest.mark.parametrize("sealers", [1, 2])
def test_nothing_is_lost_beside_sealers(tmp_path: Path, sealers: int) -> None:
    init(tmp_path).close()
    with ExitStack() as processes:
        sealing = [processes.enter_context(process(tmp_path, _SEALER)) for _ in range(sealers)]
        for one in sealing:
            assert one.stdout is not None
            assert one.stdout.readline() == b"ready\n"
        writing = [processes.enter_context(process(tmp_path, _WRITER, n)) for n in range(4)]
        for one in writing:
            assert one.communicate()[0] == b"done\n"
            assert one.returncode == 0
        for one in sealing:
            assert one.poll() is None
            one.kill()
    with open_repo(tmp_path) as repo:
        repo.seal()
        contents = [
            b"%d %d %d" % (writer, turn, number)
            for writer in range(4)
            for turn in range(15)
            for number in range(40)
        ]
        digests = [Digest.of(content) for content in contents]
        assert [data for _, data in repo.objects.get_many(digests)] == contents
        assert {row.tier for row in repo._ledger.objects(digests).values()} == {Tier.SEALED}
        assert repo.verify().ok
