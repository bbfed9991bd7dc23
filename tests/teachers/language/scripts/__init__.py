"""What the scripted teacher answers, one module a group of prompts."""
