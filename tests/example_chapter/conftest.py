"""The files of an example chapter: tests/test_new_chapter.py adds them to a copy of the checkout; no tests of ours."""

collect_ignore_glob = ["*"]
