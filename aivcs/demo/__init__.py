"""The whole story on a small bundled selection of real agents and runs."""
