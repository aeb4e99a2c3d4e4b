"""Fault drills: the real processes of the portal are killed, frozen and set wrong, and the promises of docs/reliability.md are held."""
