"""Google Cloud's REST APIs on this machine: real emulators, and a control plane for all else.

What a request may say is checked against Google's discovery documents, whoever answers it.
"""
