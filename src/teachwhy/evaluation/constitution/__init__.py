"""What a model knows of a constitution, and whether it keeps to it: recall, false premises, own views."""
