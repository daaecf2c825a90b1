"""One module a row of the table of what is to be reached."""
