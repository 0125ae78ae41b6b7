"""Makes a server of settings: the parts of a process, and the server over parts here or elsewhere."""
