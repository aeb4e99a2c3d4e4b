"""Floor 8: who kept their time and who did not: statistics by the party whose segment was late."""
