"""Arrays in, arrays out: the stages of a run. Knows no widget, no file and no AWS."""
