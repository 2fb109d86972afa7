"""The edge: data sets, metrics, plots, the scorecard, the demo, and the command line over them.

Reading order: own_data, datasets, metrics, quality, plotting, sample_files, train_files,
report_page, demo, scorecard, scorecard_report, options, watching, about, cli.
"""
