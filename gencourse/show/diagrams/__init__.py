"""The diagrams that open the chapters, each drawn by one function: `from gencourse.show.diagrams import gan`.

`drawing.py` has what all are made of: boxes, pictures and arrows. A chapter's diagrams stand in a file of its own,
under its method's name; `tasks.py` is the map that every chapter opens with. Each function shows its diagram at once.
"""
