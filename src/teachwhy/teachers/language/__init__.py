"""A language model as the teacher: prompts are files, answers are read by their tags."""
