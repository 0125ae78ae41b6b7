"""Settings of what parses files, for jobs and for servers."""

from __future__ import annotations

from pydantic import BaseModel, Field

from eagleray.setting_groups import FROZEN


class ParsingSettings(BaseModel):
    """What parsing a file may take; seconds, records and text are for each 8 MiB begun of what a task reads.

    Attributes:
        memory_bytes: memory that a parser takes beyond what its libraries do; Linux alone keeps to it.
        timeout_s: seconds of processor time.
        max_records: records that come out.
        max_text_bytes: bytes of records that come out.
        max_pages: pages of a PDF.
        recycle_files: files after which a parser's process is replaced.
        upload_timeout_s: as `timeout_s`, of a file that was uploaded to a server.
        upload_text_bytes: as `max_text_bytes`, of a file that was uploaded to a server.
        upload_processes: that parse uploads in one server.
        upload_max_waiting: requests whose files may wait for one of these; one more is refused. One caller
            has as many as there is room for more: half where nobody else has any.
    """

    model_config = FROZEN

    memory_bytes: int = Field(default=512 << 20, ge=16 << 20, le=1 << 40)
    timeout_s: float = Field(default=60.0, gt=0.0, le=86_400.0, allow_inf_nan=False)
    max_records: int = Field(default=1_000_000, ge=1)
    max_text_bytes: int = Field(default=128 << 20, ge=1 << 10)
    max_pages: int = Field(default=5_000, ge=1)
    recycle_files: int = Field(default=200, ge=1)
    upload_timeout_s: float = Field(default=10.0, gt=0.0, le=3_600.0, allow_inf_nan=False)
    upload_text_bytes: int = Field(default=16 << 20, ge=1 << 10)
    upload_processes: int = Field(default=2, ge=1, le=64)
    upload_max_waiting: int = Field(default=64, ge=0)
