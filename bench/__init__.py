"""Speed as ratios: ours beside the raw twin, in one run (`make bench`). No room of the portal imports from here."""
