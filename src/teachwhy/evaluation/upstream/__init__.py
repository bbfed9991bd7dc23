"""The published agentic-misalignment conditions as one evaluation, with their verdict and ours."""
