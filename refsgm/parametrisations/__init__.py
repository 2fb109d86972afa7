"""Other parametrisations: what networks predict besides score, eps and x_0, and how it is used.

Reading order: conversions (v, the velocity on any path, the SDE of a path), flow (the straight
path, and both directions of its time), cosine (the cosine schedule as a path), losses,
training_levels, guidance, consistency.
"""
