"""Language models as folders in the cache: those that can be installed, and whether they are whole."""
