"""Pages of the import wizard."""

urls: list = []
