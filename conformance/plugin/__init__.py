"""The suite as a pytest plugin, in three parts that conftest.py registers; nothing else here speaks pytest."""
