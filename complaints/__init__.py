"""Floor 7: tickets from intake to close-out."""
