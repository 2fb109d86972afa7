"""Other parametrisations: what else networks predict, v and the velocity, on any path.

Reading order: conversions.
"""
