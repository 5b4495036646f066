"""The parts of the run store in a SQL database, one for each thing it keeps beside runs."""
