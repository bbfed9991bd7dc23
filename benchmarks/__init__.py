"""Speed and memory as ratios, each of two things measured in one run: `make bench`."""
