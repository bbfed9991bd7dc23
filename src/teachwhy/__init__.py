"""teachwhy: measure agentic misalignment, teach a model why, and compare with controls."""

__version__ = "0.1.0"
