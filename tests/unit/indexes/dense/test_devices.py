"""What a device that is not there says; what those that are there find is in `tests/contract/dense`."""

from __future__ import annotations

import faiss
import pytest
import torch

from eagleray.errors import InputError
from indexes.dense.devices import make_matcher


@pytest.mark.skipif(torch.cuda.is_available(), reason="says what happens without a GPU")
def test_torch_without_a_gpu_is_refused():
    with pytest.raises(InputError, match="torch sees no GPU; set EAGLERAY_INDEX__DEVICE=cpu"):
        make_matcher("cuda")


@pytest.mark.skipif(
    hasattr(faiss, "StandardGpuResources"), reason="says what happens without FAISS's GPU build"
)
def test_faiss_without_a_gpu_is_refused():
    with pytest.raises(InputError, match="install faiss-gpu-cu12 in the place of faiss-cpu"):
        make_matcher("faiss")
