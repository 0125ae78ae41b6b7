"""Tools for language models by the Model Context Protocol: what they are, and how they answer.

What reads collections comes in as a port; transports are next door (`serve.http.mcp`) and in `local_server`.
"""
