from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aivcs.adapters.folder import read_folder
from aivcs.domain.secrets import KEY_FILE, KEY_HEAD
from aivcs.errors import InvalidSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from aivcs.services.specs import SpecStore

    Tree = Callable[[Mapping[str, str | bytes]], Path]

NAMES = (
    ".env",
    ".env.local",
    "a/server.pem",
    "b.key",
    "id_rsa",
    "id_ed25519.pub",
    "id_ecdsa",
    "x.P12",
    "x.pfx",
    ".netrc",
    ".npmrc",
    ".pypirc",
    "credentials.json",
    "my-service-account.json",
    "prod.env",
    "secrets.txt",
    "secrets.toml",
    "Secrets.yaml",
    "client_secret_12.json",
    "app-secrets.yml",
)
# In two pieces, so that no search for keys finds this file.
KEY = "-----BEGIN " + "RSA PRIVATE KEY-----\nMIIE\n"


def taken(root: Path) -> dict[str, str]:
    return {file.path: file.component for file in read_folder(root).files}


def test_secrets_stay_out_and_are_reported(tree: Tree) -> None:
    root = tree({"system.md": "", "secret_rules.md": "", **dict.fromkeys(NAMES, "s3cret")})
    folder = read_folder(root)
    assert folder.secrets == tuple(sorted(NAMES))
    assert [file.path for file in folder.files] == ["secret_rules.md", "system.md"]
    assert {left.why for left in folder.left_out} == {"looks like a secret"}


@pytest.mark.parametrize("kind", ["RSA ", "OPENSSH ", "EC ", ""])
def test_a_text_that_begins_with_a_private_key_is_a_secret(tree: Tree, kind: str) -> None:
    text = f"# deploy\n{KEY}".replace("RSA ", kind)
    folder = read_folder(tree({"system.md": "", "deploy.txt": text}))
    assert [file.path for file in folder.files] == ["system.md"]
    assert folder.secrets == ("deploy.txt",)
    assert folder.left_out[0].why == "looks like a secret: it holds a private key"


@pytest.mark.parametrize(
    "content",
    [
        KEY.replace("PRIVATE", "PUBLIC").encode(),
        b"\0" + KEY.encode(),
        b" " * KEY_HEAD + KEY.encode(),
        KEY.encode() + b" " * KEY_FILE,
    ],
    ids=["public", "binary", "later", "long"],
)
def test_what_is_not_searched_for_keys(tree: Tree, content: bytes) -> None:
    assert taken(tree({"notes.md": content})) == {"notes.md": "prompts"}


def test_a_secret_is_taken_only_when_it_is_allowed(tree: Tree) -> None:
    manifest = 'allow_secrets = [".env.test"]\n[components]\nenv = [".env*"]'
    root = tree({"aivcs.toml": manifest, ".env": "", ".env.test": "", "system.md": "", "b.key": ""})
    folder = read_folder(root)
    assert taken(root) == {".env.test": "env"}
    assert folder.secrets == (".env",)
    assert {left.path: left.why for left in folder.left_out} == {
        ".env": "looks like a secret",
        "aivcs.toml": "is never part of a spec",
        "b.key": "looks like a secret",
        "system.md": "matches no component",
    }


@pytest.mark.parametrize("path", ["prod.env", "key.txt"])
def test_a_pattern_that_only_fits_a_secret_says_how_to_take_it(tree: Tree, path: str) -> None:
    manifest = f'[components]\nenv = ["keep.*", "*{path}"]\n'
    root = tree({"aivcs.toml": manifest, "keep.md": "", "keep.pem": "", path: KEY})
    with pytest.raises(InvalidSpec, match="matches no file") as caught:
        read_folder(root)
    assert caught.value.hint == f'"{path}" looks like a secret; allow_secrets = ["{path}"] takes it'
    (root / "aivcs.toml").write_text(f'allow_secrets = ["{path}"]\n{manifest}')
    assert taken(root) == {"keep.md": "env", path: "env"}


def test_a_link_to_a_secret_is_a_secret(tree: Tree) -> None:
    root = tree({"system.md": "hello", ".env": "KEY=1"})
    (root / "settings.txt").symlink_to(".env")
    assert read_folder(root).secrets == (".env", "settings.txt")
    assert taken(root) == {"system.md": "prompts"}


@pytest.mark.parametrize("path", ["prompts/key.md", "prod.env"])
def test_a_checkout_allows_the_secrets_it_holds(
    specs: SpecStore, tmp_path: Path, path: str
) -> None:
    spec = specs.add({"name": "a", "components": {"prompts": {path: KEY}}})
    specs.checkout(spec.digest, tmp_path / "out")
    assert f'allow_secrets = ["{path}"]' in (tmp_path / "out/aivcs.toml").read_text()
    assert specs.add(tmp_path / "out").digest == spec.digest
