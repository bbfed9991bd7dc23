"""The english dialect: offices as people keep them, with threads, attachments, consoles and a clock."""
