"""Running a command of the user's and watching it."""

from aivcs.adapters.command.events_file import EventsFile as EventsFile
from aivcs.adapters.command.process import Command as Command
from aivcs.adapters.command.process import observe as observe
from aivcs.adapters.command.signals import Signals as Signals
