"""The job queue: jobs on disk and on the candidates, their order, their life and their end."""
