"""Processes under supervision: started, streamed, stopped with their whole tree."""
