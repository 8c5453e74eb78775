"""What was measured: signatures, results, their store, and a table's CSV file.

The package is also the function `repro.results("sbert-1")`, which gives a table's numbers (repro/api.py).
"""
