"""What is shown of a hit's text: the sentence, or the row of a table below its header, that answers best."""

from indexes.searching.snippets.snippet_maker import SnippetMaker

__all__ = ["SnippetMaker"]
