"""One module or package a technology; adapters do not know one another."""
