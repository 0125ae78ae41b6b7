"""Lexical search: analysis of text into terms, postings in time order, BM25 over the visible rows."""
