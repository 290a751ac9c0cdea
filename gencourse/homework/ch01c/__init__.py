"""Chapter 01c: how its tasks are called, judged, and what goes wrong in them."""
