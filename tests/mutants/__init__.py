"""Guards taken out one at a time, each with the test that must turn red for it."""
