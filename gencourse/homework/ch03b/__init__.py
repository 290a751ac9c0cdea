"""Chapter 03b: how its tasks are called, judged, and what goes wrong in them."""
