"""Floor 3: who is told what, over which channel, at least once."""
