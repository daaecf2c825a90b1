"""The command line: it parses, prints and adapts, and holds no rule."""
