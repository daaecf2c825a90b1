from __future__ import annotations

from hypothesis import settings

from soak.machine import Disk, Memory

Memory.TestCase.settings = settings(max_examples=60, stateful_step_count=30)
Disk.TestCase.settings = settings(max_examples=40, stateful_step_count=30)
TestInMemory = Memory.TestCase
TestOnDisk = Disk.TestCase
