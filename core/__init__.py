"""Floor 1: what every room needs and no room owns: clock, journal, errors, civil time, attachments, htmx."""
