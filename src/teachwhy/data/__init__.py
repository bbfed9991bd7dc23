"""Datasets for people: their card, a page to review their rows, and the forms that other programs read."""
