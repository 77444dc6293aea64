"""Speech as clients get it: every format, speed, event and word, judged by numbers."""
