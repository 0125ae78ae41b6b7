"""Rows and vectors out of a collection as files of other tools, and such files on their way in; no Ray."""
