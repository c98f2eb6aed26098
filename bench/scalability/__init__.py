"""bench/scaling counts how often the rows of bench/workloads take Ashlar's locks, and predicts figures for more processors.

counts.py runs a row under libashlar-counting.so. threads.py runs it with other numbers of threads. model.py simulates the
locks as queues. report.py and picture.py write the results.
"""
