"""The edge: data sets, metrics, plots, the scorecard, the demo, and the command line over them.

Reading order: own_data, datasets, metrics, quality, plotting, sample_files, demo, scorecard,
scorecard_report, about, options, watching, train_files, cli.
"""
