"""Chapter 01: how its tasks are called, judged, and what goes wrong in them."""
