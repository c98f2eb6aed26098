"""bench/compare: programs measured under several allocators, in time and memory.

The modules, bottom to top: model (what is stored), rows, allocators, build, measure and schedule (one run, all runs),
cells, figures and targets (what follows from the runs), then the reports: terminal, JSON, Markdown, picture, HTML.
"""
