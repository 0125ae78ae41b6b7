"""Files in a folder or below an object-store prefix: listed, cut into byte ranges, parsed."""
