"""The colours of all plots."""

INK, ACCENT = "#33475b", "#d9632a"
