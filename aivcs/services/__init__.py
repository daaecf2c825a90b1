"""Use cases over the ports; each builds one batch for one action."""
