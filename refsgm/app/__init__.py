"""The edge: data sets, metrics, plots, the scorecard, the demo, and the command line over them.

Reading order: datasets, metrics, plotting, demo, scorecard, scorecard_report, cli.
"""
