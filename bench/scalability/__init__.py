"""bench/scaling: how often the rows of bench/workloads take Ashlar's locks, and what that predicts for more processors.

counts.py runs a row under libashlar-counting.so, threads.py gives it other numbers of threads, model.py simulates the
locks as queues, report.py and picture.py write what was found.
"""
