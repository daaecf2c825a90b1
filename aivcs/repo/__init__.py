"""The repository, and opening it: the only package that joins services to adapters."""

from aivcs.repo.examining import examine
from aivcs.repo.opening import MEMORY, init, open_repo
from aivcs.repo.repository import Repo
from aivcs.repo.surroundings import default_actor, new_id, now

__all__ = ["MEMORY", "Repo", "default_actor", "examine", "init", "new_id", "now", "open_repo"]
