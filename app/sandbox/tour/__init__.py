"""The tour on the start page of the demonstration: five things to try, and a scoreboard.

``script.py`` says what there is to try, ``steps.py`` whether it has really happened,
``scoreboard.py`` counts. All of it is judged from what the two simulated systems saw
themselves (``witness.py``); the app is asked for nothing that it did.
"""
