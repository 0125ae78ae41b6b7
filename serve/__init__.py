"""Answers over HTTP: `engine` is what answers, without any server; what serves it stands above."""
