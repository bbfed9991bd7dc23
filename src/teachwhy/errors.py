"""The exceptions of teachwhy.

TeachwhyError
├── InputError            the user can mend it: exit 2, one message, no traceback
│   ├── ConfigError       an experiment file or a --set
│   ├── DataError         a JSONL row, a constitution, a score file
│   ├── CheckpointError   a folder that is not a usable checkpoint
│   ├── PlanError         a training plan that makes no sense
│   └── StorageError      a full disk, a read-only folder
└── TeacherError          a teacher's reply that no retry mended
"""

from __future__ import annotations


class TeachwhyError(Exception):
    """Base of every error that teachwhy raises on purpose."""


class InputError(TeachwhyError):
    """Something the user gave is wrong: says what, the value received, what is allowed, what to do."""


class ConfigError(InputError):
    """An experiment file or an override is wrong."""


class DataError(InputError):
    """A data file cannot be read or breaks a rule."""


class CheckpointError(InputError):
    """A folder is not a usable checkpoint."""


class PlanError(InputError):
    """A training plan is senseless (no rows, no loss tokens, too few updates)."""


class StorageError(InputError):
    """The disk is full or the place cannot be written."""


class TeacherError(TeachwhyError):
    """A teacher could not produce a usable reply."""
