"""Codecs: message -> call, outcome -> message. Pure code: no sockets, no threads, no clock."""
