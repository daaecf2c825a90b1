"""Measures aivcs beside other stores, in one run on one machine: ``make bench``."""
