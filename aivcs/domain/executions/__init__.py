"""Executions: their typed events, and what a log of them adds up to."""
