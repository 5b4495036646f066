"""The parts of the run store in memory, one for each thing it keeps beside runs."""
