"""Measured figures that the documents state: accuracy, peers, rates of the doctor."""
