"""Fuzzing: targets that a child process runs, and the tests that start them."""
