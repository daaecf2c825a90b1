"""Every command by name: where it is, and its one line of help."""

from __future__ import annotations

from typing import Final

ROOT: Final = {
    "init": ("aivcs.cli.init:init", "Make a repository, or find the one that is there."),
    "object": ("", "Store and read immutable bytes by their SHA-256."),
    "spec": ("", "Store and compare what agents consist of."),
    "run": ("", "Record what agents did, and read it."),
    "eval": ("", "Record and compare how well specs do."),
    "promote": ("aivcs.cli.promote:promote", "Make a spec the current release of an agent."),
    "rollback": ("aivcs.cli.promote:rollback", "Restore an earlier release of an agent."),
    "approve": ("aivcs.cli.marks:approve", "Record that you approve of a spec."),
    "deprecate": ("aivcs.cli.marks:deprecate", "Mark a release as one not to go back to."),
    "current": ("aivcs.cli.releases:current", "Show the current release of an agent."),
    "history": ("aivcs.cli.releases:history", "List an agent's releases, the newest first."),
    "releases": ("aivcs.cli.releases:releases", "List the current release of every agent."),
    "bisect": ("aivcs.cli.bisect:bisect", "Find the first bad release, and what makes it bad."),
    "publish": (
        "aivcs.cli.publish:publish",
        "Publish the logs of releases and of runs as static files.",
    ),
    "prove": ("aivcs.cli.prove:prove", "Write a proof that a release is in the public log."),
    "verify-proof": ("aivcs.cli.prove:verify_proof", "Check a proof and say what it proves."),
    "attest": ("aivcs.cli.attest:attest", "Write a release as signed in-toto attestations."),
    "verify-attestation": (
        "aivcs.cli.attest:verify_attestation",
        "Check an attestation and say what it says.",
    ),
    "key": ("", "Make and show the keys that sign the public logs."),
    "git": ("", "Link specs, runs and releases to git commits."),
    "hook": ("", "Let git record commits, and ask gates before a push."),
    "seal": ("aivcs.cli.seal:seal", "Move small objects into packs, to take less room."),
    "verify": ("aivcs.cli.verify:verify", "Read and check everything that is stored."),
    "gc": ("aivcs.cli.gc:gc", "Remove what nothing needs."),
    "why": ("aivcs.cli.why:why", "Say what keeps an object from being collected."),
    "du": ("aivcs.cli.du:du", "Show how much of the disk what takes."),
    "repair": ("aivcs.cli.repair:repair", "Mend what is damaged, with second copies."),
    "doctor": ("aivcs.cli.doctor:doctor", "Examine the repository and what it needs."),
    "demo": ("aivcs.cli.demo:demo", "Tell the whole story on bundled runs of real agents."),
    "completion": ("aivcs.cli.completion:completion", "Print the completion script of a shell."),
}
"""The commands themselves; a family has no place of its own."""

FAMILIES: Final = {
    "key": {
        "create": ("aivcs.cli.keys:create", "Make the key that signs the logs of a repository."),
        "list": ("aivcs.cli.keys:list_keys", "List the keys of this user."),
        "show": ("aivcs.cli.keys:show", "Show the verifier keys of the key that signs."),
        "rotate": ("aivcs.cli.keys:rotate", "Sign with a new key from now on."),
    },
    "git": {
        "show": ("aivcs.cli.git:show", "Show which specs, runs and releases belong to a commit."),
        "link": ("aivcs.cli.git:link", "Write into a commit's note what belongs to it."),
    },
    "hook": {
        "install": (
            "aivcs.cli.hooks:install",
            "Let git call aivcs after each commit and before each push.",
        ),
        "list": ("aivcs.cli.hooks:list_hooks", "List the hooks, and whether they work."),
        "remove": (
            "aivcs.cli.hooks:remove",
            "Take the hooks away that 'hook install' put there.",
        ),
        "run": ("aivcs.cli.hooks:run", "Do what a hook does: git calls it."),
    },
    "object": {
        "put": ("aivcs.cli.object_put:put", "Store files and pin them; print their digests."),
        "get": ("aivcs.cli.object_get:get", "Write an object's exact bytes."),
        "list": ("aivcs.cli.objects:list_objects", "List the digests of the stored objects."),
        "stat": ("aivcs.cli.objects:stat", "Show an object's size and where it is kept."),
        "pin": ("aivcs.cli.object_pins:pin", "Keep objects from being collected."),
        "unpin": ("aivcs.cli.object_pins:unpin", "Let objects go that were pinned."),
        "delete": ("aivcs.cli.objects:delete", "Remove objects that nothing needs."),
    },
    "spec": {
        "add": ("aivcs.cli.spec_add:add", "Store what is in an agent's folder as a spec."),
        "show": ("aivcs.cli.specs:show", "Show a spec and its files."),
        "list": ("aivcs.cli.specs:list_specs", "List the specs, the newest first."),
        "diff": ("aivcs.cli.spec_diff:diff", "Show what changed between two specs."),
        "checkout": ("aivcs.cli.specs:checkout", "Write a spec's files into a new folder."),
    },
    "run": {
        "record": ("aivcs.cli.run_record:record", "Record a command, or a finished run."),
        "start": ("aivcs.cli.run_write:start", "Begin a run and print its id."),
        "append": ("aivcs.cli.run_write:append", "Append one event to a run."),
        "complete": ("aivcs.cli.run_end:complete", "End a run as COMPLETED."),
        "fail": ("aivcs.cli.run_end:fail", "End a run as FAILED."),
        "cancel": ("aivcs.cli.run_end:cancel", "End a run as CANCELLED."),
        "reap": ("aivcs.cli.run_reap:reap", "Fail runs whose owner is gone."),
        "resume": ("aivcs.cli.run_resume:resume", "Take up a run where its checkpoint left it."),
        "purge": ("aivcs.cli.run_purge:purge", "Erase what an ended run's events say."),
        "list": ("aivcs.cli.runs:list_runs", "List the runs, the newest first."),
        "show": ("aivcs.cli.runs:show", "Show a run."),
        "events": ("aivcs.cli.run_events:events", "Show what happened in a run."),
        "watch": ("aivcs.cli.run_events:watch", "Show a run as it happens, until it has ended."),
        "diff": ("aivcs.cli.run_diff:diff", "Show in what two runs differ, and where first."),
        "replay": (
            "aivcs.cli.run_replay:replay",
            "Read a run again: its digests, and what its events add up to.",
        ),
        "export": ("aivcs.cli.run_export:export", "Write the events of a run as JSON Lines."),
    },
    "eval": {
        "record": (
            "aivcs.cli.eval_record:record",
            "Record the results of an evaluation as evidence for a spec.",
        ),
        "show": (
            "aivcs.cli.evals:show",
            "Show the evidence for a spec: shares of passes, and each example.",
        ),
        "diff": (
            "aivcs.cli.evals:diff",
            "Show which examples do better or worse with spec B than with spec A.",
        ),
        "list": (
            "aivcs.cli.evals:list_evidence",
            "List the specs that have evidence, the newest first, and their suites.",
        ),
    },
}
"""The commands of each family."""
