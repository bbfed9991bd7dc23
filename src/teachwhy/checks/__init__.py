"""Checks of training data: gates over single rows, and an audit over a dataset."""

from teachwhy.checks.gates import Gates

__all__ = ["Gates"]
