"""The audit log: who asked what, as of when, on which snapshot, and which rows came back. No Ray, no HTTP."""
