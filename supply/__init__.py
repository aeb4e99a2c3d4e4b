"""Floor 6: gas, daily reports and outages."""
