"""Long sweeps of faults over the object store: ``make soak`` runs them and keeps the results."""
