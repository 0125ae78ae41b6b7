"""Turns a GGUF model of an installed package into a folder that vLLM loads.

Run by the Python of the environment for language models (`make llm`), which has transformers, gguf and torch;
so it imports nothing of this project.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path


def main(package_folder: str, package: str, target: str) -> None:
    """Assemble, convert, and write.

    Args:
        package_folder: where the package was installed.
        package: its name; it has `assemble`, which checks the digest of what it writes.
        target: folder of the model.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    sys.path.insert(0, package_folder)
    path = Path(import_module(package).assemble(Path(package_folder) / "model.gguf"))
    model = AutoModelForCausalLM.from_pretrained(
        str(path.parent),
        gguf_file=path.name,
        quantization_config=GgufConfig(dequantize=True),
        dtype=torch.bfloat16,
    )
    model.save_pretrained(target)
    AutoTokenizer.from_pretrained(str(path.parent), gguf_file=path.name).save_pretrained(target)


if __name__ == "__main__":
    main(*sys.argv[1:])
