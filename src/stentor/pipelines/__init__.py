"""2. The story of one request: `speak.py` and `listen.py`."""
