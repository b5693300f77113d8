"""Tables, plots and pages for people; they decide nothing."""
