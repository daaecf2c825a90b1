"""The page on reliability: what each sweep does, and what its last full run found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from soak.result import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from soak.result import Kept

PAGE: Final = ROOT / "docs" / "reliability.md"

_HEAD: Final = """\
# Reliability: what was tried to break it

`make soak` runs the sweeps below in full and writes this page from their results. The test
suite runs a smaller, seeded part of each; a share below 100% is a part too. In every sweep a
*promise* is a call that returned: an object that was stored, pinned, or named by a run or a
spec. A sweep counts as wrong every promise that was not kept, every byte that came back wrong,
every repository that did not open, all damage that `verify` reports, and every object or file
that the last `gc --full` should have removed and did not.
"""

TEXTS: Final = {
    "machine": """\
## Random steps against a model

A state machine puts small and large objects, puts them again, pins, unpins, records and
expires runs, adds specs, deletes, seals, collects, closes and opens, in random order. Some steps
are taken by a process that dies before or after one of its writes. After each step everything
that the model says is promised is read, also by a reader that opened the repository at the
beginning. At the end a full collection must leave exactly what is named.
""",
    "crew": """\
## Eight processes

Six writers, a sealer and a collector work on one repository. Each is killed with SIGKILL at a
random moment and started again. A writer stores objects of its own and objects that others
store too, names them later, and reads what it was promised while the others collect. A step is
a call that was acknowledged.
""",
    "kills": """\
## One process after the other

A process puts, names, drops, seals, collects or repairs, and is killed with SIGKILL after a
random time. After each kill its promises are read; after every tenth all promises are, and the
whole repository is verified.
""",
    "powercut": """\
## Power cuts

Workers run on an ext4 file system (`data=ordered`) whose disk is a recorder: a small program
behind the kernel's loop device that keeps every write and every flush in the order in which the
kernel sent them, and between them each promise, at the instant it was told. Half of the records
are of one process that does everything, half of two writers beside a sealer and a collector.

For each cut an instant is drawn, half of them right behind a promise. The disk is then made as
the cut would leave it: what was written before the last flush is there; of what was written
since, each sector of 512 bytes is there or not, by the dice (in half of the cuts none of it is).
So writes are lost, torn and reordered as far as the disk's contract allows. The kernel mounts that
disk and replays its journal, and every promise told before the instant must be readable; then
`verify`, `seal`, and `gc --full` must work and lose nothing.

The same sweep over a repository with `durability = "os"`, which does not wait for the disk,
loses promises at once: a test shows that, so the sweep does see what it looks for.
""",
    "log-kills": """\
## Authors of logs that are killed

Four processes at a time write to one ledger: events one by one, in batches, ahead of their turn,
buffered in live runs, and to one execution that they share; they end runs, promote and roll back.
Each is killed with SIGKILL at a random moment. What was acknowledged must be there as it was, no
log may have a gap, no batch may be there in part, and `verify` must find nothing.
""",
    "log-cuts": """\
## Authors of logs that lose their power

The same authors, one or three of them, on the recorded disk of the power cuts above.
""",
    "flips": """\
## Flipped bits

Each byte of each file of a small sealed repository is changed, one at a time. Then everything
is verified and read: the change is reported, or it has no effect on anything that is returned.
""",
    "ledger-flips": """\
## Flipped bits in a large ledger

One bit is changed in bytes of a ledger of 10,000 events in 100 runs, and the ledger is verified
against what was saved of it before. Then each run, and the release log, is either named, or the
library and an export return of it what they did before. Where the byte is in a cell of an event,
the event must be named too.

Changed is every byte of the columns of events (in every other event at once, and exactly those
must be named), of the columns of other rows that belong to a run, of the file's header, of page
headers and page numbers, and every byte that nobody should read. Of the cells of an index, and
of what surrounds a row, it is one byte of each cell, of each eighth event every byte. Changes are
made together where they concern different runs, with runs left alone between them, and one by one
where they concern all.
""",
    "tampering": """\
## Whoever has the file

In a ledger of 10,000 events the guards are taken away and each row of streams, runs, ends,
seals, keys, early events and events is edited in one of its columns, deleted, or exchanged with
the next one, by the dice; half of the editors mend the checksum of the row. Then the ledger is
verified against what was saved of it before. Either all that the library returns is what it
was, or the damage is named: the run, and the event where its own row shows it. *None* counts
edits that the tables' own rules do not let in, or that change nothing.
""",
    "truncating": """\
## A log that is cut off

The newest log of a ledger is cut off at the end of each of its pages, and somewhere inside of the
next one; and a bit is changed in each byte of its header, in each page, and before each page. The
ledger must open on a beginning of each log, without a gap and sound, and what is lost must be
named against what was saved.
""",
    "log-flips": """\
## Flipped bytes of public logs, proofs and attestations

A small repository has releases of two names, which rest on evaluations and approvals, a rollback,
a deprecation and a rotated key. Each byte of each file of its public logs is changed in several
ways, and the file cut off there; in files that only older checkpoints need, in one way. `verify`
must name the file; who reads the log with its key alone must be told, or read what he read
before; and what the library returns and proves then must be true. *No effect* have the signatures
of a key that nobody here knows. Of a log of over 300 entries it is one byte of each 64. Each byte
of proofs and attestations is changed in each of its bits: it is refused, or says the same.
""",
    "release-rows": """\
## Whoever has the file, and releases

In the same repository each row of entries, of the log of all releases, of streams, specs, runs,
ends and seals is deleted, exchanged with the next one, inserted again, and edited in each of its
columns, a release's body in each of its fields. *Raw* changes the row alone, *mended* also its
checksum, *whole* also the trees and numbers of the release logs, and *forged* takes away what
was published, so that it is published anew. Then the ledger is verified by itself, and against
the checkpoints of the public logs that somebody else kept. Either the damage is named, or lists,
histories, labels, evidence, approvals, proofs and attestations are what they were. *An addition*
is what anybody who may write does by a call; *none* counts edits that the tables' own rules do
not let in.
""",
    "histories": """\
## Every version of real agents

Each version of the histories of real agents' prompts and configurations (by SWE-agent,
mini-swe-agent, OpenHands and wshobson/agents) is stored as a spec, compared with the one before,
and checked out. `filecmp` must find every file restored byte for byte, with its mode, and the
same digest must come of it. The diff must name exactly the files that git names, each with the
same kind of change; by line it must name no more lines than `git diff --minimal`, and `git apply`
must make the new bytes of it. `AIVCS_HISTORIES` names another folder of histories.
""",
    "s3": """\
## A server that is killed

Objects are written to a real S3 server that is killed with SIGKILL under load and started
again. What was acknowledged must be there. (Whether a server's own promises survive a power cut
is the server's affair, and is not tried here.)
""",
}


def page(kept: Mapping[str, Kept]) -> str:
    """Return the page for the results at hand, by the name of the sweep."""
    return _HEAD + "".join(f"\n{part}" for part in _parts(kept))


def _parts(kept: Mapping[str, Kept]) -> Iterator[str]:
    yield "".join(_summary(kept))
    for name, text in TEXTS.items():
        yield text + "\n" + "".join(_figures(kept.get(name)))


def _summary(kept: Mapping[str, Kept]) -> Iterator[str]:
    yield "| sweep | result | share | seed | time | commit |\n|---|---|---|---|---|---|\n"
    for name in TEXTS:
        if name in kept:
            one = kept[name]
            verdict = "nothing wrong" if one.result.ok else f"{len(one.result.wrong)} wrong"
            commit = one.commit + (" with changes" if one.changed else "")
            seed, seconds = one.result.seed, one.result.seconds
            share = f"{100 * one.share:.3g}%"
            yield f"| {name} | {verdict} | {share} | {seed} | {seconds:.0f} s | `{commit}` |\n"
    machines = sorted({one.machine for one in kept.values()})
    yield "".join(f"\nMachine: {machine}.\n" for machine in machines)


def _figures(kept: Kept | None) -> Iterator[str]:
    if kept is None:
        yield "It has not been run yet.\n"
        return
    yield "| what | how many |\n|---|---:|\n"
    for what, number in kept.result.counts.items():
        yield f"| {what} | {number:,} |\n"
    yield f"| **wrong** | **{len(kept.result.wrong):,}** |\n"
    yield f"\nFinished {kept.finished}.\n"
