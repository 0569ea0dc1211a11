"""Questions of a lesson: made of a seed, marked by computation.

A lesson has its own in ``pages/<name>/questions.py``. `forms` says how each is asked and marked, and knows nothing of
Streamlit; `section` shows them to a reader who predicts before looking.
"""
