"""The mapping: which field, file name, file time or constant becomes which part of a document.

`mapping_rules` holds the values, `mapping_file` reads them from YAML with line numbers,
`mapping_values` reads one value, and `mapping_records` makes a document of a record.
"""

from eagleray.documents.mapping_file import load_mapping
from eagleray.documents.mapping_records import apply_mapping
from eagleray.documents.mapping_rules import DEFAULT_MAPPING, Mapping

__all__ = ["DEFAULT_MAPPING", "Mapping", "apply_mapping", "load_mapping"]
