"""The pipeline that plans, searches, reads, compares and calculates, step by step within its budget."""
