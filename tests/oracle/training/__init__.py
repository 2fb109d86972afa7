"""Tests of verdicts on training steps and SDEs."""
