"""Files whole or not at all: outputs, folders, locks, and the guards around JSON and TOML.

Nothing heavy is imported here, for the command line answers ``--help`` from it.
"""

from __future__ import annotations

from wsanalytics.files.folders import Made, new_folder, refuse_filled
from wsanalytics.files.inputs import refuse_no_file
from wsanalytics.files.locks import BusyError, held, held_here
from wsanalytics.files.outputs import (
    OWNER_ALONE,
    STANDARD_OUTPUT,
    Batch,
    check_output,
    ending_of,
    flush_folder,
    is_private,
    page_at,
    refuse_overlaps,
    replaced,
    together,
    write_text,
)
from wsanalytics.files.parsing import json_of, tags_of, toml_of

__all__ = [
    "OWNER_ALONE",
    "STANDARD_OUTPUT",
    "Batch",
    "BusyError",
    "Made",
    "check_output",
    "ending_of",
    "flush_folder",
    "held",
    "held_here",
    "is_private",
    "json_of",
    "new_folder",
    "page_at",
    "refuse_filled",
    "refuse_no_file",
    "refuse_overlaps",
    "replaced",
    "tags_of",
    "together",
    "toml_of",
    "write_text",
]
