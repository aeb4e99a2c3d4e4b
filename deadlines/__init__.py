"""Floor 4: the season, its plan, and everything that somebody owes by some moment."""
