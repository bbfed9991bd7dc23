"""Judges of transcripts, and the labelled transcripts that they and the rules are measured on."""
