"""Ignition, daily reports and weather, gas and its shortage, outages: one module each."""
