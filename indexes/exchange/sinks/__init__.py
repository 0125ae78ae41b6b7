"""What writes the files of an export: one format a file; `opening` chooses."""
