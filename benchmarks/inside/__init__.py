"""Programs that measure inside one process, run by the interpreter that has the store."""
