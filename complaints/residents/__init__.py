"""码上暖: the residents' side of a ticket (G20–G25)."""
