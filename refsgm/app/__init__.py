"""The edge: data sets, metrics, plots, the scorecard, the demo, and the command line over them."""
