"""Logs that several processes append to: ``make``, ``opened``, ``read`` in one module a store."""
