"""Chapter 99b: how its task is called, judged, and what goes wrong in it."""
