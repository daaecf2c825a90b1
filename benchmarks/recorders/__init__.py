"""One module a store: ``write`` puts the same events into each, ``read`` gets them back.

Each runs in a process of its own, with the interpreter that has the store's library.
"""
