"""Public contract suites: an adapter is right when its subclasses of them pass."""
