"""bench/compare: programs measured under several allocators, in time and memory.

Bottom to top: model (what is stored), rows, allocators, launch, measure, schedule (one run, all runs),
cells, figures, targets (what follows from the runs), then the reports: terminal, json, markdown, picture, html.
"""
